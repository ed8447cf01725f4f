import { APART } from './apart.ts';
import { CLOCK } from './clock.ts';
import { DISK } from './disk.ts';
import { FAULTS, type Fault } from './faults.ts';
import { HOSTILE } from './hostile.ts';
import { HTTP } from './http.ts';
import { MEMORY } from './memory.ts';

/** All that strikes. */
export const MATRIX: readonly Fault[] = [...FAULTS, CLOCK, HTTP, ...DISK, MEMORY, APART, ...HOSTILE];
