import type { z } from 'zod';
import type { CheckConfig } from '../model/config.ts';

/** What one kind of project contributes to the first configuration. */
export interface DetectedPart {
  /** 'node', 'python', 'rust', ... */
  kind: string;
  packageManager?: PackageManager;
  install?: string | undefined;
  checks: DetectedCheck[];
  protect: string[];
  /** Environment of install and checks. */
  env: Record<string, string>;
  /** What a person should know or decide, a sentence each. */
  notes: string[];
}

export type DetectedCheck = z.input<typeof CheckConfig>;

/** Which package manager a JavaScript project uses, and how it is called on this machine. */
export interface PackageManager {
  name: 'npm' | 'pnpm' | 'yarn' | 'yarn-berry' | 'bun';
  /** As the project asks for it, when it does. */
  version: string | undefined;
  /** What stands for its name on the command line. */
  command: string;
  install: string;
}

/** What the machine has; where it is undefined, nothing is known and everything is taken as there. */
export interface Machine {
  /** Programs on PATH. */
  tools: ReadonlySet<string>;
  /** Version of Node, e.g. '20.19.0'. */
  node: string;
}

export const hasTool = (machine: Machine | undefined, tool: string): boolean =>
  machine === undefined || machine.tools.has(tool);
