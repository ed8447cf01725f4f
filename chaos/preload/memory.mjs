// Loaded by Winnow’s own processes alone: of the machine’s memory so much is left as a file says, as a share from 0 to 1.
// The file stands in the URL: memory.mjs?file=/…
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const file = new URL(import.meta.url).searchParams.get('file');
const { readFileSync } = fs;

const withLeft = (text, share) => {
  const total = Number(/^MemTotal:\s+(\d+) kB$/m.exec(text)?.[1]);
  return text.replace(/^(MemAvailable:\s+)\d+( kB)$/m, `$1${Math.round(total * share)}$2`);
};

fs.readFileSync = (path, ...options) => {
  const text = readFileSync(path, ...options);
  if (path !== '/proc/meminfo' || !fs.existsSync(file)) return text;
  return withLeft(text, Number(readFileSync(file, 'utf8')));
};
syncBuiltinESMExports();
