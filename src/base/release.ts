/** What is acquired pushes its release here; everything is released last in, first out, and one failure stops none. */
export interface ReleaseStack {
  push(release: () => void | Promise<void>): void;
  /** Runs every release once; returns what they threw. */
  releaseAll(): Promise<unknown[]>;
}

export const createReleaseStack = (): ReleaseStack => {
  const releases: (() => void | Promise<void>)[] = [];
  return {
    push: (release) => {
      releases.push(release);
    },
    releaseAll: async () => {
      const errors: unknown[] = [];
      for (let release = releases.pop(); release; release = releases.pop()) {
        try {
          await release();
        } catch (error) {
          errors.push(error);
        }
      }
      return errors;
    },
  };
};
