import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A fixture as a process of its own, whose standard output is a file: what stands there was said before any kill. */
export interface Worker {
  process: ChildProcess;
  /** The whole lines said so far. */
  said(): string[];
  /** Resolves with the exit code when the process is gone. */
  gone: Promise<number | null>;
  kill(): Promise<void>;
}

export interface Fixtures {
  start(fixture: string, args: readonly string[], output: string, user?: { uid: number; gid: number }): Worker;
  remove(): void;
}

/** Compiles the fixtures once: a process that compiles itself takes three times as long to start. */
export const compileFixtures = (): Fixtures => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-fixtures-'));
  fs.chmodSync(dir, 0o755);
  fs.symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  fs.writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  const fixtures = join(root, 'test', 'journal', 'fixtures');
  const options = '--ignoreConfig --noCheck --skipLibCheck --rewriteRelativeImportExtensions --types node';
  const target = ['--target', 'es2023', '--module', 'nodenext', '--rootDir', root, '--outDir', dir];
  const files = fs.readdirSync(fixtures).map((name) => join(fixtures, name));
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), [...options.split(' '), ...target, ...files]);
  return {
    start: (fixture, args, output, user) =>
      start(join(dir, 'test/journal/fixtures', `${fixture}.js`), args, output, user),
    remove: () => fs.rmSync(dir, { recursive: true }),
  };
};

const start: Fixtures['start'] = (script, args, output, user) => {
  const fd = fs.openSync(output, 'a');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', fd, 'inherit'], ...user });
  fs.closeSync(fd);
  const gone = once(child, 'exit').then(([code]) => code as number | null);
  return {
    process: child,
    said: () => fs.readFileSync(output, 'utf8').split('\n').slice(0, -1),
    gone,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
};
