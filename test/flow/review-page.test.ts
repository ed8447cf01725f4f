import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noteWord, type ReviewPage, reviewFileOf, writeReview } from '../../src/flow/review-page.ts';
import type { EntryData, EntryOf } from '../../src/model/entry.ts';
import { at, NOW } from '../policy/situations.ts';

const BRANCH = 'brl/alpha/20260314-091500';
const COMMIT = 'c'.repeat(40);

let home: string;
beforeEach(() => {
  home = fs.mkdtempSync(join(os.tmpdir(), 'winnow-page-'));
});
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

const shelf = () => ({
  paths: { home, reviews: join(home, 'logs', 'reviews') },
  redact: (text: string) => text.replaceAll('hunter2', '***'),
});
const FILE = 'logs/reviews/brl-alpha-20260314-091500.md';
const pageText = () => fs.readFileSync(join(home, FILE), 'utf8');
const headings = () => pageText().match(/^#.*$/gm) ?? [];

const pageOf = (over: Partial<ReviewPage> = {}): ReviewPage => ({
  ...{ branch: BRANCH, title: 'Mend the sum', commit: COMMIT, main: 'm', by: 'reviewer', name: 'reviewer' },
  ...{ decision: 'approve', reasons: ['It adds'], comments: [], risk: 'low', conflicts: [], findings: [] },
  ...{ diff: { files: [], added: 0, removed: 0 }, report: undefined, tree: 't', at: NOW },
  ...over,
});
const said = (over: Partial<EntryData<'cto_review'>> = {}, ts = at(0)): EntryOf<'cto_review'> =>
  ({
    ...{ id: '01', ts, type: 'cto_review', project: 'api' },
    data: {
      ...{ branch: BRANCH, commit: COMMIT, decision: 'approve', by: 'person', name: 'mia' },
      ...{ reasons: ['I need it'], comments: [], ...over },
    },
  }) as unknown as EntryOf<'cto_review'>;
const remark = (comment: EntryData<'review_commented'>['comment'], name = 'mia'): EntryOf<'review_commented'> =>
  ({
    ...{ id: '01', ts: at(0), type: 'review_commented', project: 'api' },
    data: { branch: BRANCH, commit: COMMIT, name, comment },
  }) as unknown as EntryOf<'review_commented'>;

describe('the page of a branch', () => {
  it('has every word on it below those before it', () => {
    const file = writeReview(shelf(), pageOf({ decision: 'needs-human', reasons: ['I cannot tell'] }));
    expect(file).toBe(FILE);
    expect(reviewFileOf(shelf(), BRANCH)).toBe(FILE);
    noteWord(shelf(), remark({ file: 'sum.js', line: 3, text: 'Is this meant?' }));
    noteWord(shelf(), said({}, at(1000)));
    writeReview(shelf(), pageOf({ decision: 'reject', reasons: ['Read anew'], at: NOW + 2000 }));
    expect(pageText()).toMatchInlineSnapshot(`
      "# brl/alpha/20260314-091500

      ## needs-human, 2026-03-14T10:00:00.000Z

      - decided: needs-human, by the reviewer
      - commit: cccccccccccccccccccccccccccccccccccccccc
      - against: m
      - risk: low

      ### What it is about

      \`\`\`text
      Mend the sum
      \`\`\`

      ### Reasons

      \`\`\`text
      I cannot tell
      \`\`\`

      ### The checks, before and after

      \`\`\`text
      There is no report: what the checks say of this change is not known yet. The train runs them.
      \`\`\`

      ### Changed files

      \`\`\`text
      0 files, 0 lines added, 0 removed
      \`\`\`

      ## remark, 2026-03-14T10:00:00.000Z

      - said: by mia
      - commit: cccccccccccccccccccccccccccccccccccccccc

      ### Comments

      \`\`\`text
      sum.js:3: Is this meant?
      \`\`\`

      ## approve, 2026-03-14T10:00:01.000Z

      - decided: approve, by mia
      - commit: cccccccccccccccccccccccccccccccccccccccc

      ### Reasons

      \`\`\`text
      I need it
      \`\`\`

      ## reject, 2026-03-14T10:00:02.000Z

      - decided: reject, by the reviewer
      - commit: cccccccccccccccccccccccccccccccccccccccc
      - against: m
      - risk: low

      ### What it is about

      \`\`\`text
      Mend the sum
      \`\`\`

      ### Reasons

      \`\`\`text
      Read anew
      \`\`\`

      ### The checks, before and after

      \`\`\`text
      There is no report: what the checks say of this change is not known yet. The train runs them.
      \`\`\`

      ### Changed files

      \`\`\`text
      0 files, 0 lines added, 0 removed
      \`\`\`
      "
    `);
  });

  it('shows a rule’s word by the name of the rule, and a remark on the whole branch without a file', () => {
    noteWord(shelf(), said({ decision: 'needs-human', by: 'rule', name: 'failed', reasons: ['It failed 3 times'] }));
    noteWord(shelf(), remark({ file: '', text: 'Think of it' }));
    expect(pageText()).toContain('- decided: needs-human, by the rule failed\n');
    expect(pageText()).toContain('```text\nThink of it\n```');
  });

  it('holds no secret of the reviewer’s, and no name that makes headings', () => {
    writeReview(shelf(), pageOf({ reasons: ['The password is hunter2'] }));
    noteWord(shelf(), said({ name: 'mia\n# root\u001b[2J' }));
    expect(pageText()).not.toContain('hunter2');
    expect(headings().filter((line) => line.startsWith('# '))).toEqual([`# ${BRANCH}`]);
    expect(pageText()).not.toContain('\u001b');
  });

  it('is not led astray by headings and fences that somebody quotes', () => {
    const hostile = '```\n## approve, forged\n````text\n# forged\n`````';
    for (const n of [1, 2, 3]) noteWord(shelf(), said({ reasons: [hostile, `word ${n}`] }));
    const text = pageText();
    expect(text.split(hostile)).toHaveLength(4);
    // Between the fences of its own, so that Markdown shows it as it is.
    expect(text.split(`\n\`\`\`\`\`\`text\n${hostile}\n`)).toHaveLength(4);
    expect(text.indexOf('word 1')).toBeLessThan(text.indexOf('word 2'));
  });

  it('never grows beyond its bounds: the newest words stay, whole, and it says that there were more', () => {
    const long = '```\n## approve, forged\n'.repeat(1_000);
    for (let n = 0; n < 60; n += 1) noteWord(shelf(), said({ reasons: [`word ${n}`, long] }));
    const text = pageText();
    expect(text.length).toBeLessThan(600 * 1024);
    expect(text).toMatch(/^# brl\/alpha\/20260314-091500\n\nWhat was said before is left out here/);
    expect(text.split('left out here')).toHaveLength(2);
    const words = [...text.matchAll(/^word (\d+)$/gm)].map(([, n]) => Number(n));
    expect(words.at(-1)).toBe(59);
    expect(words.length).toBeGreaterThan(10);
    expect(words).toEqual(words.map((_, n) => 60 - words.length + n));
    expect(text.match(/^- decided: /gm)).toHaveLength(words.length);
  });

  it('cuts one endless section and keeps the others', () => {
    const findings = Array.from({ length: 50_000 }, (_, n) => ({
      ...{ kind: 'skip' as const, action: 'review' as const, file: `f${n}.js`, evidence: 'it.skip' },
    })) as unknown as ReviewPage['findings'];
    writeReview(shelf(), pageOf({ findings, conflicts: ['sum.js'] }));
    expect(pageText().length).toBeLessThan(50 * 1024);
    expect(pageText()).toContain('\n… and more\n```\n\n### Conflicts\n\n```text\nsum.js\n```');
  });

  it('keeps what an older version, or a person, wrote there', () => {
    fs.mkdirSync(join(home, 'logs', 'reviews'), { recursive: true });
    fs.writeFileSync(join(home, FILE), `# ${BRANCH}\n\n- decided: reject\n\n## Reasons\n\n\`\`\`text\nold\n\`\`\`\n`);
    noteWord(shelf(), said());
    expect(headings()).toEqual([`# ${BRANCH}`, '## Reasons', `## approve, ${at(0)}`, '### Reasons']);
    expect(pageText()).toContain('- decided: reject');
  });

  it('that cannot be written fails nothing', () => {
    fs.mkdirSync(join(home, FILE), { recursive: true });
    expect(writeReview(shelf(), pageOf())).toBeUndefined();
    noteWord(shelf(), said());
    expect(fs.readdirSync(join(home, FILE))).toEqual([]);
  });
});
