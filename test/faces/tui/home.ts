import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type OpenHome, openHome } from '../../../src/home.ts';

/** A real home on the disk, of which no factory runs; its repository is not looked at. */
export interface TestHome {
  home: string;
  /** As another process of the same home would open it. */
  open: () => OpenHome['counter'];
  /** Adds what an agent says to the transcript of a cycle. */
  say: (cycle: string, text: string) => void;
  close: () => Promise<void>;
}

export const createHome = (): TestHome => {
  const home = mkdtempSync(join(tmpdir(), 'winnow-tui-'));
  mkdirSync(join(home, 'sessions'));
  const config = {
    projects: [{ name: 'small', repo: home, branch: 'main', checks: [{ name: 'tests', run: 'true', parse: 'exit' }] }],
    // What other programs on the machine do must not be seen on the screen.
    gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 50 },
  };
  writeFileSync(join(home, 'winnow.config.yaml'), stringify(config));
  for (const name of ['alpha', 'beta'])
    writeFileSync(join(home, `sessions/${name}.md`), '---\nproject: small\nfocus: failing tests\n---\nMend it.\n');
  const opened: OpenHome['counter'][] = [];
  return {
    home,
    open: () => {
      const found = openHome(home);
      if (!found.ok) throw new Error(JSON.stringify(found.error));
      opened.push(found.value.counter);
      return found.value.counter;
    },
    say: (cycle, text) => {
      const dir = join(home, 'logs/transcripts', cycle);
      mkdirSync(dir, { recursive: true });
      const message = { type: 'assistant', message: { content: [{ type: 'text', text }] } };
      appendFileSync(join(dir, 'run.jsonl'), `${JSON.stringify(message)}\n`);
    },
    close: async () => {
      for (const counter of opened) await counter.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
};
