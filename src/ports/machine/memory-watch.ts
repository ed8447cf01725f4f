/** The most memory that each cycle's processes were seen to hold: what the memory gate reserves for the next one. */
export interface MemoryWatch {
  /** Begins to look at the processes whose marker begins so; returns the peak so far, in bytes, and the end of it. */
  watch(markerPrefix: string): { peakBytes: () => number; end: () => void };
  stop(): void;
}

/** One look at all processes every so often: a scan of /proc costs milliseconds, a cycle lasts minutes. */
const LOOK_EVERY_MS = 5_000;

export const createMemoryWatch = ({
  bytesOf,
  everyMs = LOOK_EVERY_MS,
}: {
  bytesOf: (markerPrefix: string) => Promise<number>;
  everyMs?: number;
}): MemoryWatch => {
  const peaks = new Map<string, number>();
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      for (const prefix of [...peaks.keys()]) {
        // A look that failed says nothing; the next one comes soon.
        const bytes = await bytesOf(prefix).catch(() => 0);
        const peak = peaks.get(prefix);
        if (peak !== undefined && bytes > peak) peaks.set(prefix, bytes);
      }
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), everyMs).unref();
  return {
    watch: (markerPrefix) => {
      peaks.set(markerPrefix, 0);
      return { peakBytes: () => peaks.get(markerPrefix) ?? 0, end: () => void peaks.delete(markerPrefix) };
    },
    stop: () => clearInterval(timer),
  };
};
