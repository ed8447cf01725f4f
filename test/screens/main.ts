import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pictures } from './pictures.ts';

/** `npm run screens`: draws the pictures of docs/screens anew. */
const dir = join(import.meta.dirname, '../../docs/screens');
const drawn = await pictures();
mkdirSync(dir, { recursive: true });
for (const name of readdirSync(dir)) if (!drawn.has(name)) rmSync(join(dir, name));
for (const [name, svg] of drawn) writeFileSync(join(dir, name), svg);
process.stdout.write(`${drawn.size} pictures in docs/screens\n`);
