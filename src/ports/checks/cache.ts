import { mkdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { sha256 } from '../../base/hash.ts';
import type { CheckConfig } from '../../model/config.ts';
import { CheckReport } from '../../model/report.ts';

/**
 * What a check said of a tree, kept by content: the same tree, command, dependencies and environment are never
 * measured twice. Only Winnow writes here, and only what it measured itself.
 */
export interface CheckCache {
  get(key: string): CachedReport | undefined;
  put(key: string, report: CheckReport, at: number): void;
}

export interface CachedReport {
  report: CheckReport;
  /** When it was measured, milliseconds since the epoch. */
  at: number;
}

/** Raised when a parser or an identity rule changes its mind: older results then mean something else. */
const CACHE_VERSION = 1;

/** A use is noted so rarely that reading stays reading, and so often that nothing in use looks unused. */
const USE_NOTED_EVERY_MS = 86_400_000;

export const createCheckCache = ({ dir, now = Date.now }: { dir: string; now?: () => number }): CheckCache => {
  const fileOf = (key: string) => join(dir, key.slice(0, 2), `${key}.json`);
  return {
    get: (key) => {
      let text: string;
      try {
        text = readFileSync(fileOf(key), 'utf8');
      } catch {
        return undefined;
      }
      // A damaged file is a result that was never measured.
      try {
        const { at, report } = JSON.parse(text) as { at: number; report: unknown };
        const parsed = CheckReport.safeParse(report);
        if (!parsed.success || !Number.isFinite(at)) return undefined;
        noteUse(fileOf(key), now());
        return { at, report: parsed.data };
      } catch {
        return undefined;
      }
    },
    put: (key, report, at) => {
      const file = fileOf(key);
      try {
        mkdirSync(dirname(file), { recursive: true });
        writeFileAtomic.sync(file, JSON.stringify({ at, report }));
      } catch {
        // A full disk: what cannot be kept is measured again, and the result in hand stays good.
      }
    },
  };
};

/** By the time of its file: results that nothing asks for any more are removed by it. */
const noteUse = (file: string, nowMs: number): void => {
  try {
    if (Math.abs(nowMs - statSync(file).mtimeMs) < USE_NOTED_EVERY_MS) return;
    utimesSync(file, new Date(nowMs), new Date(nowMs));
  } catch {
    // A disk that may only be read, or a file that has just gone: the result in hand is good all the same.
  }
};

export interface CheckKeyInput {
  tree: string;
  check: CheckConfig;
  /** Name of the installed dependencies. */
  dependencies: string;
  /** The configured environment of the checks; the rest of the environment is a fixed allow-list. */
  env: Record<string, string>;
  /** What stands around the check. */
  wall: string;
}

/** The name belongs to it since reports are compared by the names of their checks. */
export const checkKey = ({ tree, check, dependencies, env, wall }: CheckKeyInput): string =>
  sha256(
    String(CACHE_VERSION),
    tree,
    check.name,
    check.run,
    check.parse,
    check.report ?? '',
    dependencies,
    process.version,
    process.platform,
    process.arch,
    // By code units: the order of a locale may differ from process to process.
    JSON.stringify(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(wall === 'none' ? [] : [wall]),
  );
