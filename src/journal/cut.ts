import type { EntryData, EntryType } from '../model/entry.ts';

/**
 * Makes the data of an entry small enough for its line. The whole of it lies in a file by then, so what is cut is only
 * what a fold or a person reads at a glance: the longest strings and arrays lose their second halves first.
 */

/** Shorter strings are names, commits and paths: half of one would be another name. */
const STRING_CUT_MIN_BYTES = 512;
/** Ends a string that was cut. */
const ELLIPSIS = '…';

/**
 * Data that takes at most `maxBytes` as JSON and passes `fits`, or undefined when no cut achieves both.
 * @param fits whether the schema of the type accepts it
 */
export const cutData = <T extends EntryType>(
  data: EntryData<T>,
  maxBytes: number,
  fits: (data: unknown) => boolean,
): EntryData<T> | undefined => {
  const whole: Node = { holder: { data: structuredClone(data) as unknown }, key: 'data' };
  const refused = new Set<string>();
  while (jsonBytes(whole.holder[whole.key]) > maxBytes) {
    const cut = largestCut(whole, refused);
    if (cut === undefined) return undefined;
    const before = cut.node.holder[cut.node.key];
    cut.node.holder[cut.node.key] = cut.shorter;
    if (!fits(whole.holder.data)) {
      cut.node.holder[cut.node.key] = before;
      refused.add(cut.path);
    }
  }
  return whole.holder.data as EntryData<T>;
};

/** A value by the place that holds it, so that it can be replaced. */
interface Node {
  holder: Record<string | number, unknown>;
  key: string | number;
}

interface Cut {
  node: Node;
  path: string;
  shorter: unknown;
  bytes: number;
}

const jsonBytes = (value: unknown): number => {
  const text = JSON.stringify(value);
  return text === undefined ? 0 : Buffer.byteLength(text);
};

const largestCut = (root: Node, refused: ReadonlySet<string>): Cut | undefined => {
  let best: Cut | undefined;
  const offer = (cut: Cut) => {
    if (!refused.has(cut.path) && (best === undefined || cut.bytes > best.bytes)) best = cut;
  };
  /** Offers the cuts at and below a node; returns its size. */
  const walk = (node: Node, path: string): number => {
    const value = node.holder[node.key];
    if (typeof value === 'string') {
      const bytes = jsonBytes(value);
      if (bytes >= STRING_CUT_MIN_BYTES) offer({ node, path, shorter: halfOfString(value), bytes });
      return bytes;
    }
    if (typeof value !== 'object' || value === null) return jsonBytes(value);
    let bytes = 2;
    let largest = 0;
    for (const key of Object.keys(value)) {
      const child = walk({ holder: value as Record<string, unknown>, key }, `${path}/${key}`);
      bytes += child + 1 + (Array.isArray(value) ? 0 : Buffer.byteLength(key) + 3);
      largest = Math.max(largest, child);
    }
    // When most of a list is one element, that element is to be cut and the others stay.
    if (largest * 2 < bytes || refused.size > 0) {
      const shorter = halfOfMembers(value);
      if (shorter !== undefined) offer({ node, path, shorter, bytes });
    }
    return bytes;
  };
  walk(root, '');
  return best;
};

const halfOfString = (text: string): string => {
  const bare = text.endsWith(ELLIPSIS) ? text.slice(0, -1) : text;
  return `${bare.slice(0, bare.length >> 1).replace(/[\ud800-\udbff]$/, '')}${ELLIPSIS}`;
};

const halfOfMembers = (value: object): unknown => {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.slice(0, value.length >> 1);
  const members = Object.entries(value);
  return members.length < 2 ? undefined : Object.fromEntries(members.slice(0, members.length >> 1));
};
