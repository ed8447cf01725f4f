import type { ModelRequest, Reply, Scenario, Step } from './scenario.ts';

/** What the sessions say at the demo's standup, what the doctor sees, and what alpha does with both. */

interface Words {
  did: string[];
  stuck: string[];
  needs: string[];
  offers: string[];
  sharedErrors: string[];
  fileWarnings: { files: string[]; sessions: string[]; why: string }[];
  commitment: { title: string; text: string; files: string[] };
  proposal: string;
}

const SAID: Record<string, Words> = {
  alpha: {
    did: ['median sorts numbers as numbers and takes the mean of the middle pair; it landed'],
    stuck: [],
    needs: [],
    offers: ['gamma: I read test/clamp.test.ts with you, it says what the bounds may be'],
    sharedErrors: [],
    fileWarnings: [],
    commitment: {
      title: 'Test that the median of nothing is 0',
      text: 'CLAUDE.md says that an empty array gives 0. median does so by accident of ??, and no test holds it.',
      files: ['test/median.test.ts'],
    },
    proposal: 'Whoever mends a function also tests it with an empty array',
  },
  beta: {
    did: ['mean of nothing is 0 now, so no NaN reaches spread and summary; it landed'],
    stuck: [],
    needs: ['somebody who looks at median with an empty array'],
    offers: [],
    sharedErrors: ['alpha: median has the same gap as mean had'],
    fileWarnings: [],
    commitment: {
      title: 'Test spread with an empty array',
      text: 'spread relies on mean; one test in test/spread.test.ts should hold that nothing has a spread of 0.',
      files: ['test/spread.test.ts'],
    },
    proposal: '',
  },
  gamma: {
    did: ['tried twice to write clamp in one line; both were discarded'],
    stuck: ['“swaps bounds in the wrong order” fails each time'],
    needs: ['a hint what clamp promises about its bounds'],
    offers: [],
    sharedErrors: [],
    fileWarnings: [],
    commitment: {
      title: 'Say in the comment of clamp why the bounds are swapped',
      text: 'A comment, no change of code: the next one who wants to simplify it should know.',
      files: ['src/clamp.ts'],
    },
    proposal: '',
  },
  kappa: {
    did: ['wrote percent with a test, on formatOld of src/legacy.ts'],
    stuck: [],
    needs: ['to know who else touches src/legacy.ts'],
    offers: [],
    sharedErrors: [],
    fileWarnings: [
      { files: ['src/legacy.ts'], sessions: ['iota', 'kappa'], why: 'one removes it, the other calls what is in it' },
    ],
    commitment: {
      title: 'Let percent use format',
      text: 'format does what formatOld does; percent should not be the reason why legacy code stays.',
      files: ['src/percent.ts'],
    },
    proposal: 'Say in the plan who calls what you remove',
  },
};

export const SPEAKERS = Object.keys(SAID);

const NOTHING: Words = {
  ...{ did: [], stuck: [], needs: [], offers: [], sharedErrors: [], fileWarnings: [], proposal: '' },
  commitment: { title: '', text: '', files: [] },
};

const word = (part: Partial<Words>): Step => ({ blocks: [{ answer: { ...NOTHING, ...part } }] });

/** Three rounds in one conversation. */
export const standupOf = (session: string): Scenario => {
  const { did, stuck, needs, offers, sharedErrors, fileWarnings, commitment, proposal } = SAID[session] ?? NOTHING;
  return {
    steps: [word({ did, stuck, needs }), word({ offers, sharedErrors, fileWarnings }), word({ commitment, proposal })],
  };
};

export const CHAIR: Scenario = {
  steps: [
    {
      blocks: [
        {
          answer: {
            summary: 'Five changes landed and main is green. What is left are promises that no test holds.',
            priorities: [
              'Empty arrays: every function of CLAUDE.md’s promise gets its test',
              'Nobody simplifies clamp',
            ],
            blockers: ['gamma runs against the same test again and again'],
          },
        },
      ],
    },
  ],
};

export const SKILL = 'empty-arrays';

/** The doctor diagnoses, and distils one technique from what was kept. */
export const DOCTOR: Scenario = {
  after: 'repeat-last',
  steps: [(request) => ({ blocks: [{ answer: isLearning(request) ? learnt(request) : DIAGNOSIS }] })],
};

/** Only what was kept is told to the run that learns. */
const isLearning = ({ prompt }: ModelRequest): boolean => prompt.includes('<data name="kept">');

const DIAGNOSIS = {
  diagnosis:
    'Both attempts drop the swap of bounds in the wrong order, which test/clamp.test.ts demands. It reads clamp as a matter of style and does not read its test first.',
  promptChange: {
    file: 'sessions/gamma.md',
    find: '',
    replace: 'Read the tests of a function before you plan to simplify it; what they demand is not in the way.',
    why: 'two plans in a row broke the same test, which says what clamp is for',
  },
  evidence: [],
};

const learnt = ({ prompt }: ModelRequest): unknown => ({
  summary: 'Small fixes of one function, proven by its own test, were kept. What touched more than it said was not.',
  patterns: [
    {
      name: SKILL,
      description:
        'How functions of this project treat an empty array: they return 0 and a test holds it. Use it when a function over numbers, such as mean or median, is written, mended or tested.',
      body: [
        '1. Look what the function returns for `[]`: NaN spreads to everything that calls it.',
        '2. Return 0 first, before any division: `if (values.length === 0) return 0;`.',
        '3. Add one test beside the name of the function: `expect(name([])).toBe(0)`.',
      ].join('\n'),
      evidence: [...prompt.matchAll(/^- (\S+) .*mean of nothing/gm)].map(([, cycle]) => cycle),
    },
  ],
});

/** Looks once more at the same fault in other words: what makes a loop of it. */
export const GAMMA_AGAIN: Scenario = {
  steps: [
    {
      blocks: [
        {
          answer: {
            title: 'Shorten the branches of clamp into a ternary',
            why: 'three ifs for two comparisons are hard to read',
            kind: 'refactor',
            files: ['src/clamp.ts'],
            expects: 'nothing changes in the checks',
          },
        },
      ],
    },
    { blocks: [{ tool: 'Read', input: { file_path: 'src/clamp.ts' } }] },
    {
      blocks: [
        {
          tool: 'Write',
          input: {
            file_path: 'src/clamp.ts',
            content: `/** The value, held between two bounds. */
export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}
`,
          },
        },
      ],
    },
    { blocks: ['clamp is one expression.'] },
    { blocks: ['I leave it as it is.'] },
  ],
};

/** Keeps what the model was given to read, so that the demo can say whether task and skill were among it. */
export const alphaAgain = (given: ModelRequest[]): Scenario => {
  const kept =
    (reply: Reply): Step =>
    (request) => {
      given.push(request);
      return reply;
    };
  return {
    steps: [
      kept({
        blocks: [
          {
            answer: {
              title: 'Test that the median of nothing is 0',
              why: 'CLAUDE.md promises it and no test holds it',
              kind: 'test',
              files: ['test/median.test.ts'],
              expects: 'one new test passes',
            },
          },
        ],
      }),
      kept({ blocks: [{ tool: 'Skill', input: { skill: SKILL } }] }),
      kept({
        blocks: [
          {
            tool: 'Bash',
            input: {
              command: `printf '%s\\n' "it('is 0 for no values', () => expect(median([])).toBe(0));" >> test/median.test.ts`,
              description: 'Add the test',
            },
          },
        ],
      }),
      kept({ blocks: ['The median of nothing is held to 0 by a test.'] }),
    ],
  };
};
