import { execFileSync } from 'node:child_process';

/** Tests that start Winnow as a process start what a user starts: the compiled program, built from what is tested. */
export default function setup(): void {
  execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
}
