import fs from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { checksum } from './line.ts';
import type { Place } from './reader.ts';
import { TERMS_VERSION } from './search-terms.ts';

/**
 * Which parts the index consists of, and up to which place of the journal they go. Parts are never changed and get
 * names of their own, so whoever read the former list still finds what it names; the list is replaced in one step.
 */
export interface Manifest {
  place: Place;
  /** File names, in the order of the journal, with the number of entries in each. */
  parts: { name: string; size: number }[];
}

export interface ManifestFile {
  /** Of the bytes that were read: tells whether somebody has written another list since. */
  mark: string;
  manifest: Manifest | undefined;
}

const FORMAT = 1;
const NAME = 'index.json';
const PART_NAME = /^[0-9A-Z]{26}\.part$/;
const HALF_WRITTEN = /^(?:[0-9A-Z]{26}\.part|index\.json)\.\d+$/;
/** What a process had in hand when it was stopped for so long, it looks up again. */
const UNNAMED_KEPT_MS = 600_000;

export const NO_MANIFEST: ManifestFile = { mark: '', manifest: undefined };

/** Whatever is odd about the file, it is none, and the index is made anew. */
export const loadManifest = (dir: string): ManifestFile => {
  let text: string;
  try {
    text = fs.readFileSync(join(dir, NAME), 'utf8');
  } catch {
    return NO_MANIFEST;
  }
  return { mark: checksum(text), manifest: parseManifest(text) };
};

const parseManifest = (text: string): Manifest | undefined => {
  try {
    const newline = text.indexOf('\n');
    const head = JSON.parse(text.slice(0, newline)) as { version: number; terms: number; crc: string };
    const body = text.slice(newline + 1);
    if (head.version !== FORMAT || head.terms !== TERMS_VERSION || head.crc !== checksum(body)) return undefined;
    const manifest = JSON.parse(body) as Manifest;
    return manifest.parts.every(({ name }) => PART_NAME.test(name)) ? manifest : undefined;
  } catch {
    return undefined;
  }
};

/** Returns what was written. Throws what the operating system says. */
export const saveManifest = async (dir: string, manifest: Manifest): Promise<ManifestFile> => {
  const body = JSON.stringify(manifest);
  const text = `${JSON.stringify({ version: FORMAT, terms: TERMS_VERSION, crc: checksum(body) })}\n${body}`;
  await writeFileAtomic(join(dir, NAME), text);
  return { mark: checksum(text), manifest };
};

export const partFile = (dir: string, name: string): string => join(dir, name);

/** On the disk before the list names it. Throws what the operating system says. */
export const savePart = async (dir: string, name: string, bytes: Buffer): Promise<void> => {
  fs.mkdirSync(dir, { recursive: true });
  await writeFileAtomic(partFile(dir, name), bytes);
};

/** What was merged is no longer named, and may be in use for a while by those who read the former list. */
export const letGo = (dir: string, names: readonly string[], nowMs: number): void => {
  for (const name of names) {
    try {
      fs.utimesSync(partFile(dir, name), nowMs / 1000, nowMs / 1000);
    } catch {
      // Gone already.
    }
  }
};

/** Removes parts that no list names, and what a killed process left half-written. */
export const removeUnnamed = (dir: string, { parts }: Manifest, nowMs: number): void => {
  const named = new Set(parts.map(({ name }) => name));
  for (const name of fs.readdirSync(dir)) {
    if (named.has(name) || !(PART_NAME.test(name) || HALF_WRITTEN.test(name))) continue;
    try {
      if (fs.statSync(join(dir, name)).mtimeMs < nowMs - UNNAMED_KEPT_MS) fs.unlinkSync(join(dir, name));
    } catch {
      // Another process was quicker, or somebody put a directory there.
    }
  }
};
