/** Stands for Winnow in tests that kill it: runs one request, given as JSON in its first argument. */
import { systemClock } from '../../../src/base/clock.ts';
import { createClaude } from '../../../src/ports/claude/run.ts';

const { command, reaperPrefix, request } = JSON.parse(process.argv[2] as string);
await createClaude({ command, clock: systemClock, reaperPrefix, sweep: async () => 0 }).run(request);
