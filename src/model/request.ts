import { z } from 'zod';

/**
 * What people ask of a factory that may not be running: it waits in the journal until a role carries it out.
 *
 *   open -> taken (a process works on it) -> settled;   taken -> open again when that process dies
 */

/** What only a role of a running factory can do. */
export const RequestWhat = z.enum(['review', 'standup', 'doctor', 'cycle', 'upkeep']);
export type RequestWhat = z.infer<typeof RequestWhat>;

/** Who asks: through which face, and by the name that the face knows (login, token, chat). */
export const Asker = z.object({ face: z.enum(['cli', 'http', 'telegram', 'tui']), name: z.string().min(1).max(200) });
export type Asker = z.infer<typeof Asker>;

/** As it stands in the journal beside what was done: who sits at the keyboard needs no face. */
export const askerText = ({ face, name }: Asker): string =>
  face === 'cli' || face === 'tui' ? name : `${name} (${face})`;

/** More names than this nobody asks for in one go. */
const NAMES_MAX = 100;

/** Of what it is to be done; what is absent means all. */
export const RequestArgs = z.object({
  /** review: these branches. */
  branches: z.array(z.string().min(1).max(300)).min(1).max(NAMES_MAX).optional(),
  /** standup, doctor: these sessions; cycle: the one whose cycle it is. */
  sessions: z.array(z.string().min(1).max(32)).min(1).max(NAMES_MAX).optional(),
  /** standup: the last round and the chair only. */
  short: z.boolean().optional(),
  /** doctor: by rule alone, without runs. */
  rulesOnly: z.boolean().optional(),
});
export type RequestArgs = z.infer<typeof RequestArgs>;

/** Who gave a key is told what came of it the first time, not twice made. Both are hashes: of asker and key, of the command. */
export const AskedKey = z.object({ id: z.string(), command: z.string() });
export type AskedKey = z.infer<typeof AskedKey>;

/** How long a key stands for what was done under it. */
export const KEY_KEPT_MS = 24 * 3_600_000;

/** A request that waits, is being carried out, or is settled. */
export interface Request {
  id: string;
  what: RequestWhat;
  args: RequestArgs;
  by: Asker;
  at: string;
  /** Who asked for the same while it was open, the newest last; see JOINED_MAX. */
  joined: { by: Asker; at: string }[];
  /** The process of who asked does it, and nobody else. */
  here?: { pid: number; start: string };
  /** The process that works on it, or did until it died; how often one began. */
  taken?: { pid: number; start: string; at: string; times: number };
  settled?: { done: boolean; note: string; at: string };
}
