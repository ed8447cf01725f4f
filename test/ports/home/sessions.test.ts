import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { renderProblem } from '../../../src/base/file-problem.ts';
import { parseSession, readSessions } from '../../../src/ports/home/sessions.ts';

const homes: string[] = [];
const homeWith = (files: Record<string, string | Uint8Array>): string => {
  const home = mkdtempSync(join(tmpdir(), 'winnow-sessions-'));
  homes.push(home);
  mkdirSync(join(home, 'sessions'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, 'sessions', name), text);
  return home;
};
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

const problemsOf = (files: Record<string, string | Uint8Array>, projects: string[] | undefined = ['api']): string[] => {
  const read = readSessions(homeWith(files), projects);
  return read.ok ? [] : read.error.map(renderProblem);
};

describe('session files', () => {
  it('become sessions named after them, sorted, README and hidden files left out', () => {
    const read = readSessions(
      homeWith({
        'zeta.md': '---\nproject: api\nfocus: bugs\nevery: 1h\nmodel: opus\npaused: true\n---\n\nMend.\n',
        'alpha.md': 'Write tests. Many of them.\n',
        'README.md': 'About these files.',
        '.#alpha.md': 'lock',
        'alpha.md~': 'backup',
        'notes.txt': 'x',
      }),
      ['api'],
    );
    expect(read).toEqual({
      ok: true,
      value: [
        {
          name: 'alpha',
          project: 'api',
          focus: 'Write tests.',
          everyMs: undefined,
          model: undefined,
          paused: false,
          instructions: 'Write tests. Many of them.',
          file: 'sessions/alpha.md',
        },
        {
          name: 'zeta',
          project: 'api',
          focus: 'bugs',
          everyMs: 3_600_000,
          model: 'opus',
          paused: true,
          instructions: 'Mend.',
          file: 'sessions/zeta.md',
        },
      ],
    });
  });

  it('may have a byte order mark, CRLF, and front matter of comments alone', () => {
    const read = readSessions(homeWith({ 'a.md': '\ufeff---\r\n# nothing set\r\n---\r\nOne.\r\nTwo.\r\n' }), ['api']);
    expect(read.ok && read.value[0]).toMatchObject({ project: 'api', instructions: 'One.\nTwo.' });
  });

  it('keep a line of dashes in the prose and a heading out of the focus', () => {
    const read = parseSession('sessions/a.md', '# Title\n\nMend bugs\n\n---\n\nMore.', ['api']);
    expect(read.ok && read.value).toMatchObject({
      focus: 'Mend bugs',
      instructions: '# Title\n\nMend bugs\n\n---\n\nMore.',
    });
  });

  it('need no directory', () => {
    expect(readSessions(mkdtempSync(join(tmpdir(), 'winnow-none-')), ['api'])).toEqual({ ok: true, value: [] });
  });

  it('name all their mistakes at once with file, line and key', () => {
    const problems = problemsOf(
      {
        'a.md': '---\nproject: apii\nevery: often\nfokus: x\n---\nGo.\n',
        'Bad Name.md': '---\nproject: api\n---\nGo.\n',
        'reviewer.md': '---\nproject: api\n---\nGo.\n',
        'b.md': '---\nproject: api\n',
        'c.md': '---\nproject: api\nproject: web\n---\n\n',
        'd.md': 'Go.\n',
        'e.md': '---\n- a\n---\nGo.\n',
        'f.md': '---\n\tx: 1\n---\nGo.\n',
      },
      ['api', 'web'],
    );
    expect(problems).toEqual([
      'sessions/a.md:2  project: found "apii", expected one of api, web; did you mean "api"?',
      'sessions/a.md:3  every: found "often", expected a time span such as "30s", "15m" or "2h"',
      'sessions/a.md:4  fokus: found an unknown key, expected a known key; did you mean "focus"?',
      'sessions/b.md:1  found front matter without an end, expected a second line `---` that closes it',
      'sessions/Bad Name.md  found the file name "Bad Name", expected a small letter, then at most 31 small letters, digits and dashes',
      'sessions/c.md:3  project: found this key a second time, expected each key once',
      'sessions/c.md:5  found nothing, expected standing instructions in prose below the front matter',
      'sessions/d.md:2  project: found nothing, expected one of api, web, since there are several projects',
      expect.stringMatching(/^sessions\/e\.md:2 {2}(project: found nothing|found a list)/),
      expect.stringMatching(/^sessions\/e\.md:2 /),
      expect.stringMatching(/^sessions\/f\.md:2 {2}found (a tab|invalid YAML)/),
      'sessions/reviewer.md  found the name of a role, "reviewer", expected another name',
    ]);
  });

  it('above 64 KB are refused, also when they are a megabyte of one line', () => {
    expect(problemsOf({ 'a.md': 'x'.repeat(1024 * 1024) })).toEqual([
      'sessions/a.md  found 1,024 KB, expected a file of at most 64 KB',
    ]);
  });

  it('without content, in another encoding or as a dangling link are named', () => {
    expect(problemsOf({ 'a.md': '' })).toEqual([
      'sessions/a.md:1  found nothing, expected standing instructions in prose below the front matter',
    ]);
    expect(problemsOf({ 'a.md': Buffer.from([0x47, 0xff, 0x6f]) })[0]).toContain('found bytes that are no UTF-8');
    const home = homeWith({});
    symlinkSync('/nowhere/at/all', join(home, 'sessions/a.md'));
    const read = readSessions(home, ['api']);
    expect(!read.ok && read.error.map(renderProblem)).toEqual(['sessions/a.md  found no such file, expected a file']);
  });

  it('are judged by themselves alone while the configuration is broken', () => {
    const problems = (text: string) => {
      const read = readSessions(homeWith({ 'a.md': text }), undefined);
      return read.ok ? [] : read.error.map(renderProblem);
    };
    expect(problems('---\nproject: who-knows\n---\nGo.\n')).toEqual([]);
    expect(problems('---\nevery: never\n---\nGo.\n')).toHaveLength(1);
  });
});
