import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { err, ok, type Result } from '../src/base/result.ts';
import { chosenGroups, type Group } from './groups.ts';

/** What `npm run bench` was asked for. What does not fit together is refused before ten minutes have gone by. */
export interface Options {
  deed: 'run' | 'help' | 'list';
  form: 'table' | 'json' | 'markdown';
  only: string | undefined;
  groups: readonly Group[];
  /** A stored run that is taken instead of measuring. */
  from: string | undefined;
  /** A stored run to compare with. */
  compare: string | undefined;
  save: boolean;
}

export const BASELINE = join(import.meta.dirname, 'baseline.json');

export const USAGE = `npm run bench -- [options]: what Winnow costs, each row beside a baseline of the same run

  --only TEXT       the groups and rows whose name or key holds TEXT; --list names them
  --from FILE       takes a stored run instead of measuring one
  --compare [FILE]  compares with a stored run (default: bench/baseline.json) and says of each row whether its ratio
                    got better or worse by more than it moves by itself
  --save            writes the run to bench/baseline.json and its table into docs/figures.md; for a whole run on a
                    machine that does nothing else
  --json            one object: the run, its rows and, with --compare, the comparison; --from and --compare read it
  --markdown        the table for a page
  --list            names the groups and the keys of their rows
  -h, --help        this text

Exit codes: 0; 1 with --compare when a row got worse, a goal that was met is missed, or what was measured cannot be
measured any more; 2 for a mistake in the command or a file that is no stored run.
`;

export const parseOptions = (words: readonly string[]): Result<Options, string> => {
  const parsed = read(words);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  const { json, markdown, only, from, save } = values;
  if (positionals.length > (values.compare ? 1 : 0)) return err(`not understood: ${positionals.join(' ')}`);
  if (json && markdown) return err('--json and --markdown: one of them');
  if (only?.trim() === '') return err('--only needs a text');
  // The baseline is one run of everything that was measured: parts of several would be compared as if they were one.
  if (save && (only !== undefined || from !== undefined || values.compare))
    return err('--save is for a whole run that is measured now: not with --only, --from or --compare');
  const groups = chosenGroups(only?.trim());
  if (groups.length === 0) return err(`--only ${only}: no group and no row is called that; --list names them`);
  return ok({
    deed: values.help ? 'help' : values.list ? 'list' : 'run',
    form: json ? 'json' : markdown ? 'markdown' : 'table',
    ...{ only: only?.trim(), groups, from, save },
    compare: values.compare ? (positionals[0] ?? BASELINE) : undefined,
  });
};

const read = (words: readonly string[]) => {
  try {
    return ok(
      parseArgs({
        args: [...words],
        allowPositionals: true,
        options: {
          only: { type: 'string' },
          from: { type: 'string' },
          // Its file may be left out, which only a word of its own can.
          compare: { type: 'boolean', default: false },
          save: { type: 'boolean', default: false },
          json: { type: 'boolean', default: false },
          markdown: { type: 'boolean', default: false },
          list: { type: 'boolean', default: false },
          help: { type: 'boolean', short: 'h', default: false },
        },
      }),
    );
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
};
