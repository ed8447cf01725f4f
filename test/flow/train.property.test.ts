import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainTick } from '../../src/flow/train.ts';
import type { Entry } from '../../src/model/entry.ts';
import { FailureError } from '../../src/model/failure.ts';
import { isOpen } from '../../src/policy/queue.ts';
import { howMany } from '../thoroughness.ts';
import { createModelWorld, type Fact, type ModelWorld, type Nature, PROJECT } from './model-world.ts';
import { PROMISES } from './promises.ts';

/**
 * The real train against a world in memory, over random histories: what people and other machines do comes at any
 * moment, and the process that runs the train may end on either side of any call. What must hold is asked of the world
 * and of the journal, never of the train.
 */

const BRANCH_KINDS = [
  'plain', // listed first: a counterexample is shrunk towards it
  'bad',
  'lossy', // takes a test out
  'conflict', // touches the lines of its partner
  'together', // red together with its partner alone
  'twin', // the same change as its partner
  'hiccup', // the checks give no result on it a few times
  'stuck', // they never do
  'undeployable', // green, and fails the verification
  'submodule', // git cannot merge it
  'mender', // mends whatever others broke
] as const;

const EVENT_KINDS = [
  'push-good',
  'push-bad',
  'push-lossy',
  'push-hiccup',
  'push-mend',
  'push-conflict',
  'push-together',
  'push-same',
  'push-back',
  'approve',
  'reject',
  'doubt',
  'move',
  'vanish',
  'late',
  'unreachable',
  'refuses',
  'dirty',
  'keeps',
  'diskFull',
  'losesAnswer',
] as const;

interface History {
  style: 'squash' | 'merge' | 'rebase';
  batchMax: number;
  verify: boolean;
  branches: {
    kind: (typeof BRANCH_KINDS)[number];
    partner: number;
    size: number;
    first: 'approve' | 'reject' | 'wait';
  }[];
  /** `after`: so many calls after the one before. */
  events: { after: number; kind: (typeof EVENT_KINDS)[number]; which: number }[];
  crashes: { call: number; side: 'before' | 'after' }[];
}

const BRANCHES_MAX = 8;

const history: fc.Arbitrary<History> = fc.record({
  style: fc.constantFrom('squash', 'merge', 'rebase'),
  batchMax: fc.integer({ min: 1, max: 8 }),
  verify: fc.boolean(),
  branches: fc.array(
    fc.record({
      kind: fc.oneof(
        { weight: 3, arbitrary: fc.constant('plain' as const) },
        { weight: 5, arbitrary: fc.constantFrom(...BRANCH_KINDS) },
      ),
      partner: fc.nat(BRANCHES_MAX - 1),
      size: fc.integer({ min: 1, max: 2 }),
      first: fc.oneof(
        { weight: 5, arbitrary: fc.constant('approve' as const) },
        { weight: 1, arbitrary: fc.constantFrom('reject', 'wait') },
      ),
    }),
    { minLength: 1, maxLength: BRANCHES_MAX },
  ),
  events: fc.array(
    fc.record({ after: fc.nat(40), kind: fc.constantFrom(...EVENT_KINDS), which: fc.nat(BRANCHES_MAX) }),
    { maxLength: 8 },
  ),
  crashes: fc.array(fc.record({ call: fc.nat(150), side: fc.constantFrom('before', 'after') }), { maxLength: 4 }),
});

/** A process that ended; nothing that it knew is left. */
class Crash extends Error {}

const nameOf = (n: number): string => `brl/s${n}/work`;

const natureOf = ({ branches }: History): Nature => {
  const kinds = new Map(branches.map(({ kind }, n) => [`b${n}`, kind]));
  const partners = new Map(branches.map(({ partner }, n) => [`b${n}`, `b${partner % branches.length}`]));
  const is = (kind: (typeof BRANCH_KINDS)[number]) => (change: string) => kinds.get(change) === kind;
  /** `k…` and `p…` are others' changes that clash with the branch they name. */
  const clash = (kind: 'conflict' | 'together', letter: 'k' | 'p', a: string, b: string): boolean =>
    (is(kind)(a) && partners.get(a) === b) || (a.startsWith(letter) && a.endsWith(`-${b}`));
  const hiccups = new Map<string, number>();
  return {
    conflict: (a, b) => clash('conflict', 'k', a, b) || clash('conflict', 'k', b, a),
    failing: (changes) => {
      const all = [...changes];
      const isMended = all.some((change) => is('mender')(change) || change.startsWith('y'));
      return [
        ...all
          .filter((change) => is('bad')(change) || (change.startsWith('x') && !isMended))
          .map((change) => `bad ${change}`),
        ...all.flatMap((a) => all.filter((b) => a !== b && clash('together', 'p', a, b)).map((b) => `${a} with ${b}`)),
      ];
    },
    lost: (changes) =>
      [...changes].filter((change) => is('lossy')(change) || change.startsWith('l')).map((change) => `lost ${change}`),
    mute: (changes) => {
      if ([...changes].some(is('stuck'))) return 'it hangs';
      for (const change of changes) {
        if (!is('hiccup')(change) && !change.startsWith('h')) continue;
        const times = hiccups.get(change) ?? 0;
        hiccups.set(change, times + 1);
        if (times < HICCUPS) return 'it was killed';
      }
      return undefined;
    },
    unmergeable: (changes) => ([...changes].some(is('submodule')) ? 'it holds a submodule' : undefined),
    deploys: (changes) => ![...changes].some(is('undeployable')),
  };
};

/** Fewer than what the train takes for hopeless. */
const HICCUPS = 2;

const changesOf = ({ branches }: History, n: number): string[] => {
  const { kind, partner, size } = branches[n]!;
  const first = kind === 'twin' ? `b${partner % branches.length}` : `b${n}`;
  return size === 1 ? [first] : [first, `${first}x`];
};

/** A person looks at what is open, and things are as they should be again, at most so often. */
const LOOKS_MAX = 40;
const TICKS_MAX = 6;
const HOUR_MS = 3_600_000;

const live = async (given: History): Promise<{ model: ModelWorld; nature: Nature; isAtRest: boolean }> => {
  const nature = natureOf(given);
  const crashes = new Map(given.crashes.map(({ call, side }) => [call, side]));
  const events = [...given.events];
  let call = 0;
  let idle = 0;
  const around = {
    before: () => {
      call += 1;
      for (idle += 1; events[0] && events[0].after <= idle; idle = 0) happen(model, given, events.shift()!);
      if (crashes.get(call) === 'before') crash();
    },
    after: () => {
      if (crashes.get(call) === 'after') crash();
    },
  };
  const crash = (): never => {
    model.others.tell('crash');
    throw new Crash();
  };
  const model = createModelWorld({
    nature,
    style: given.style,
    batchMax: given.batchMax,
    verify: given.verify,
    around,
  });
  const tick = async (): Promise<boolean> => {
    const before = model.facts.length;
    model.others.beginTick();
    model.others.wait(10 * 60_000);
    try {
      await trainTick(model.world);
    } catch (error) {
      // What others said at this very moment may make the train's own word illegal; it looks again.
      if (!(error instanceof Crash || error instanceof FailureError)) throw error;
      return true;
    }
    return model.facts.length > before;
  };

  for (const [n, { first }] of given.branches.entries()) {
    model.others.pushBranch(nameOf(n), changesOf(given, n));
    if (first !== 'wait') model.others.review(nameOf(n), first, 'reviewer');
  }
  for (let ticks = 1; ; ticks += 1) {
    // A train that is held up tries again and again until something happens.
    if ((await tick()) && ticks % TICKS_MAX > 0) continue;
    const next = events.shift();
    if (!next) break;
    idle = 0;
    happen(model, given, next);
  }

  crashes.clear();
  for (const kind of Object.keys(model.trouble) as (keyof ModelWorld['trouble'])[]) model.trouble[kind] = false;
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    for (const { branch, status } of Object.values(model.state.queue).filter(isOpen))
      if (status.state !== 'approved') model.others.review(branch, 'approve', 'person');
    // A remote that kept a branch is asked again hours later. One that others moved since is kept for ever.
    if (look < 2) model.others.wait(7 * HOUR_MS);
    if (await tick()) continue;
    if (!model.state.projects[PROJECT]?.red) return { model, nature, isAtRest: true };
    happen(model, given, { kind: 'push-mend', which: 0 });
  }
  return { model, nature, isAtRest: false };
};

const happen = (model: ModelWorld, given: History, { kind, which }: Omit<History['events'][number], 'after'>): void => {
  const { others, trouble } = model;
  const n = which % given.branches.length;
  const own = model.facts.length;
  const push = (change: string) => others.pushMain(`${kind} ${change}`, (changes) => changes.add(change));
  switch (kind) {
    case 'push-good':
      return push(`g${own}`);
    case 'push-bad':
      return push(`x${own}`);
    case 'push-lossy':
      return push(`l${own}`);
    case 'push-hiccup':
      return push(`h${own}`);
    case 'push-conflict':
      return push(`k${own}-b${n}`);
    case 'push-together':
      return push(`p${own}-b${n}`);
    case 'push-same':
      // On a main that never gives a result the train waits for ever, and rightly.
      return push(given.branches[n]!.kind === 'stuck' ? `g${own}` : `b${n}`);
    case 'push-mend':
      return others.pushMain(kind, (changes) => {
        const { red, good } = model.state.projects[PROJECT] ?? {};
        if (!red || !good) return;
        const was = model.changesOf(good.tree);
        for (const change of changes) if (!was.has(change)) changes.delete(change);
        // What was good may have held the breakage and its mend together.
        changes.add(`y${own}`);
      });
    case 'push-back':
      return others.pushMain(`${kind} b${n}`, (changes) => changes.delete(`b${n}`));
    case 'approve':
      others.review(nameOf(n), 'approve', 'person');
      return;
    case 'reject':
      others.review(nameOf(n), 'reject', 'person');
      return;
    case 'doubt':
      others.review(nameOf(n), 'needs-human', 'person');
      return;
    case 'move':
      return others.moveBranch(nameOf(n), `m${own}`);
    case 'vanish':
      return others.moveBranch(nameOf(n), undefined);
    case 'late': {
      const name = `brl/late${own}/work`;
      others.pushBranch(name, [`a${own}`], redTask(model));
      others.review(name, 'approve', 'reviewer');
      return;
    }
    case 'unreachable':
    case 'refuses':
    case 'dirty':
    case 'keeps':
    case 'diskFull':
    case 'losesAnswer':
      trouble[kind] = !trouble[kind];
      others.tell(kind);
      return;
    default:
      kind satisfies never;
  }
};

const redTask = ({ state }: ModelWorld): string | undefined =>
  Object.values(state.tasks).find(({ origin, state: now }) => origin === 'main-red' && now === 'queued')?.id;

const HISTORIES = howMany(1_000, 10_000);

/** A counterexample reads as what happened, one line each. */
const showFact = (fact: Fact): string => {
  if (fact.what !== 'entry') return JSON.stringify(fact);
  const { type, data }: Entry = fact.entry;
  return `${fact.tick} ${type} ${JSON.stringify(data).slice(0, 300)}`;
};

describe('the train', () => {
  it('keeps its promises over random histories, whoever interferes and wherever it is cut off', async () => {
    const met = new Set<string>();
    await fc.assert(
      fc.asyncProperty(history, async (given) => {
        const { model, isAtRest } = await live(given);
        for (const fact of model.facts) met.add(nameOfFact(fact));
        const broken = Object.entries(PROMISES).flatMap(([promise, ask]) =>
          ask(model).map((what) => `${promise} – ${what}`),
        );
        if (!isAtRest) broken.push('the train comes to rest');
        if (broken.length > 0) throw new Error([...broken, ...model.facts.map(showFact)].join('\n'));
      }),
      { numRuns: HISTORIES },
    );
    expect(WORTH_MEETING.filter((what) => !met.has(what))).toEqual([]);
  });
});

/** Histories in which none of this happens would prove nothing. */
const WORTH_MEETING = [
  'moved',
  'deleted',
  'outside: crash',
  ...['unreachable', 'refuses', 'dirty', 'keeps', 'diskFull', 'losesAnswer', 'approve', 'reject', 'needs-human'].map(
    (event) => `outside: ${event}`,
  ),
  ...['red', 'conflict', 'empty', 'unusable'].map((why) => `branch_dropped: ${why}`),
  ...['conflict', 'main-red', 'revert'].map((origin) => `task_queued: ${origin}`),
  ...['green', 'red', 'unevaluated'].map((state) => `train_tested: ${state}`),
  ...['repo-unreachable', 'push-refused', 'checkout-dirty'].map((kind) => `train_blocked: ${kind}`),
  ...['branch_moved', 'main_red', 'main_green', 'revert_proposed', 'landing_verified', 'train_unblocked'],
  'a revert landed',
  'several landed at once',
  'found done',
];

const nameOfFact = (fact: Fact): string => {
  if (fact.what === 'outside') return `outside: ${fact.event.split(' ')[0]}`;
  if (fact.what !== 'entry') return fact.what;
  const { type, data } = fact.entry;
  switch (type) {
    case 'branch_dropped':
      return `${type}: ${data.why}`;
    case 'task_queued':
      return `${type}: ${data.origin}`;
    case 'train_tested':
      return `${type}: ${data.state}`;
    case 'train_blocked':
      return `${type}: ${data.failure}`;
    case 'merged':
      if (data.landings.some(({ branch }) => branch.startsWith('brl/winnow/'))) return 'a revert landed';
      return data.landings.length > 1 ? 'several landed at once' : type;
    case 'intent_settled':
      return data.note === 'found done' ? data.note : type;
    default:
      return type;
  }
};
