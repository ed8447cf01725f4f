import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BINDINGS } from '../../../src/faces/tui/bindings.ts';
import { lineWidth, widthOf } from '../../../src/faces/tui/cells.ts';
import { drawFrame } from '../../../src/faces/tui/frame.ts';
import { paintLine, type Theme } from '../../../src/faces/tui/theme.ts';
import { type Mode, SCREENS, type ScreenName } from '../../../src/faces/tui/ui.ts';
import { scene, shown } from './scene.ts';

// Times of the day are those of the person.
const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'UTC';
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const DIFF = {
  stat: ' src/parse.ts | 4 ++--',
  patch:
    'diff --git a/src/parse.ts b/src/parse.ts\n--- a/src/parse.ts\n+++ b/src/parse.ts\n@@ -1,2 +1,2 @@\n-\tprint();\n+\treturn [];\n 日本',
  truncated: false,
};

const reviewScene = () => {
  const sight = scene({ ui: { screen: 'review' } });
  const branch = sight.view.branches.find(({ status }) => status.state === 'needs-human')!;
  const comments = [
    { branch: branch.branch, commit: 'c', name: 'mia', comment: { file: 'src/parse.ts', line: 1, text: 'why?' } },
  ];
  return {
    ...sight,
    branch: { name: branch.branch, state: 'read' as const, view: { branch, findings: [], comments, diff: DIFF } },
  };
};

describe('the screens', () => {
  it.each(SCREENS)('%s on 80x24', (screen) => {
    expect(shown(scene({ ui: { screen } }), 80, 24)).toMatchSnapshot();
  });

  it.each([
    [120, 32],
    [200, 60],
    [300, 80],
  ])('all of them on %ix%i', (width, height) => {
    for (const screen of SCREENS) expect(shown(scene({ ui: { screen } }), width, height)).toMatchSnapshot();
  });

  it('of review shows the branch with its words and its diff', () => {
    expect(shown(reviewScene(), 120, 32)).toMatchSnapshot();
  });

  it('gives the chosen row the whole screen', () => {
    expect(shown(scene({ ui: { zoom: true, chosen: { floor: 'beta' } } }), 80, 24)).toMatchSnapshot();
  });

  it('shows help, palette, questions and what was said', () => {
    const modes: Mode[] = [
      { kind: 'help', scroll: 0 },
      { kind: 'palette', text: 'pa', place: 1 },
      { kind: 'filter', text: 'parser' },
      {
        kind: 'ask',
        question: 'Why is it rejected?',
        text: 'it breaks\nthe import',
        draft: { command: 'reject', branch: 'b', reason: '' },
        field: 'reason',
      },
      { kind: 'confirm', question: 'Hold everything?', command: { command: 'pause' } },
      { kind: 'said' },
    ];
    for (const mode of modes)
      expect(
        shown(scene({ ui: { mode, said: [{ text: 'alpha is paused', good: true, at: 0 }] } }), 100, 24),
      ).toMatchSnapshot();
  });

  it('says that the factory is down, and shows it as it was left', () => {
    expect(shown(scene({ alive: false }), 120, 12)).toMatchInlineSnapshot(`
      "Winnow NOT RUNNING: start it with \`winnow up\`                               today 3 kept, $8.35 of $20.00  ▲ memory 86 %
       1 Floor  2 Review (2)  3 Tasks (2)  4 Journal  5 Doctor  6 Metrics  7 Gates (1)  8 Alerts (5)
      ● api main 3 problems, 1 failing, 120 passing        ▇▇▆▆▆▅▅▄▃▃▃▃ │◆ beta  needs you, api
        SESSION STATE     FOR  ENDS       DOING                         │doing    its process died; the next start closes this
      ◆ beta    needs you 4s   ✓○○✓✗·✓    its process died; the next s… │         cycle
      ✗ alpha   dead      2m   ✓○○✓✗·✓    its process died; the next s… │last     kept: Return an empty list when nothing
      ✗ gamma   dead      2h              its process died; the next s… │  ! 1 failing: prints an empty list
      ▲ delta   parked    10m             parked: claude exited with 1… │The printer is called inside the loop; I move it out.
      ○ zeta    waiting   10m             gate memory closed: 86 % of … │▪ 日本語
      ‖ epsilon paused    10m             paused by mia                 │> Edit src/parse.ts
                                                                        │  | The file src/parse.ts has been updated.
       p pause  P pause all  r cycle  a attach  / filter  ? help  : palette  q quit"
    `);
  });

  it('says what is missing where there is no session', () => {
    const sight = scene();
    expect(shown({ ...sight, view: { ...sight.view, sessions: [] } }, 60, 12)).toContain(
      'no session yet: write sessions/<name>.md',
    );
  });

  it.each([
    [20, 5],
    [39, 24],
    [80, 9],
    [1, 1],
  ])('says what it needs on %ix%i', (width, height) => {
    const text = shown(scene(), width, height);
    expect(text.split('\n')).toHaveLength(height);
    if (width > 10) expect(text.replaceAll('\n', ' ')).toContain('40x10');
  });

  it('fills every cell of every size exactly, whatever stands in it', () => {
    for (const screen of SCREENS)
      for (const [width, height] of [
        [40, 10],
        [49, 14],
        [50, 15],
        [79, 23],
        [119, 40],
        [120, 13],
        [163, 51],
      ] as const)
        for (const zoom of [false, true]) {
          const lines = drawFrame(
            { ...reviewScene(), ui: { ...reviewScene().ui, screen, zoom } },
            { width, height },
            BINDINGS,
          );
          expect(lines).toHaveLength(height);
          expect(new Set(lines.map(lineWidth))).toEqual(new Set([width]));
        }
  });
});

const DARK: Theme = { colours: '256', light: false, ascii: false };
const painted = (theme: Theme, screen: ScreenName = 'floor'): string =>
  drawFrame(scene({ ui: { screen } }), { width: 100, height: 20 }, BINDINGS)
    .map((line) => paintLine(line, theme))
    .join('\n');

describe('a theme', () => {
  it.each<[string, Theme, RegExp | undefined]>([
    ['256 colours', DARK, /\x1b\[(?:[\d;]*;)?38;5;/],
    ['16 colours', { ...DARK, colours: '16' }, /\x1b\[(?:32|33|36)m/],
  ])('of %s uses them', (_, theme, expected) => {
    expect(painted(theme)).toMatch(expected!);
    expect(painted({ ...theme, light: true })).not.toBe(painted(theme));
  });

  it('of 16 colours uses no other', () => {
    for (const screen of SCREENS) expect(painted({ ...DARK, colours: '16' }, screen)).not.toMatch(/[34]8;5;/);
  });

  it('without colours marks the chosen row and the screen by inversion, and nothing by colour', () => {
    for (const screen of SCREENS) {
      const codes = new Set(
        [...painted({ ...DARK, colours: 'none' }, screen).matchAll(/\x1b\[([\d;]*)m/g)].map(([, code]) => code),
      );
      expect([...codes].filter((code) => !['0', '1', '7'].includes(code!))).toEqual([]);
      expect(codes).toContain('7');
    }
  });

  it('of ASCII shows nothing else, in the same cells', () => {
    for (const screen of SCREENS) {
      const text = painted({ ...DARK, colours: 'none', ascii: true }, screen).replaceAll(/\x1b\[[\d;]*m/g, '');
      expect(text).toMatch(/^[\x20-\x7e\n]*$/);
      expect(new Set(text.split('\n').map(widthOf))).toEqual(new Set([100]));
    }
  });
});
