/** The most memory that each cycle's processes were seen to hold: what the memory gate reserves for the next one. */
export interface MemoryWatch {
  /** Begins to look at the processes whose marker begins so; returns the peak so far, in bytes, and the end of it. */
  watch(markerPrefix: string): { peakBytes: () => number; end: () => void };
  stop(): void;
}

/** One look at all processes every so often, for all cycles together: it costs milliseconds, a cycle lasts minutes. */
const LOOK_EVERY_MS = 5_000;

export const createMemoryWatch = ({
  bytesOf,
  everyMs = LOOK_EVERY_MS,
}: {
  bytesOf: (markerPrefixes: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  everyMs?: number;
}): MemoryWatch => {
  const peaks = new Map<string, number>();
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking || peaks.size === 0) return;
    looking = true;
    try {
      for (const [prefix, bytes] of await bytesOf([...peaks.keys()])) {
        const peak = peaks.get(prefix);
        if (peak !== undefined && bytes > peak) peaks.set(prefix, bytes);
      }
    } catch {
      // A look that failed says nothing; the next one comes soon.
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
