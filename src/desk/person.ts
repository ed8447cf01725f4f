import type { Asker } from '../model/request.ts';
import { personName } from '../ports/git/person.ts';

/** Who sits at this keyboard, as the journal names them. */
export const atKeyboard = async (face: 'cli' | 'tui'): Promise<Asker> => ({ face, name: await personName() });
