import type { Entry, EntryOf, EntryType } from '../../src/model/entry.ts';
import { type Fact, type ModelWorld, PROJECT } from './model-world.ts';

/**
 * What the train promises, each as a question to the world and to the journal after a history has come to its end.
 * The answers are what contradicts it; none is as it should be.
 */
export const PROMISES: Record<string, (model: ModelWorld) => string[]> = {
  'main moves only to what is tested, green, approved at this commit and on top of what was there': ({ facts }) =>
    all(facts, 'moved').flatMap(({ from, to, wrong }) => wrong.map((what) => `${from} to ${to}: ${what}`)),

  'nothing that ever was main is lost': ({ facts, remote, isAncestor }) =>
    [...new Set(all(facts, 'entry').map(({ main }) => main))]
      .filter((main) => !isAncestor(main, remote.main))
      .map((main) => `${main} is gone`),

  'there is no landing without its entry and no entry without its landing': (model) => {
    const moved = all(model.facts, 'moved').map(
      ({ from, to }) => `${from} to ${to}: ${model.landedBetween(from, to).reverse().map(showLanding)}`,
    );
    const told = entries(model, 'merged').map(
      ({ data: { from, to, landings } }) => `${from} to ${to}: ${landings.map(showLanding)}`,
    );
    return [
      ...without(moved, told).map((one) => `not told: ${one}`),
      ...without(told, moved).map((one) => `did not happen: ${one}`),
      ...repeated(told).map((one) => `told again: ${one}`),
    ];
  },

  'a branch lands at most once': (model) =>
    repeated(
      all(model.facts, 'moved').flatMap(({ from, to }) => model.landedBetween(from, to).map(({ branch }) => branch)),
    ),

  'what is dropped is bad, for the reason that is told': (model) =>
    entries(model, 'branch_dropped').flatMap((entry) =>
      wrongDrop(model, entry).map((what) => `${entry.data.branch} (${entry.data.why}): ${what}`),
    ),

  'a conflict becomes one task for its session': (model) => {
    const drops = entries(model, 'branch_dropped').filter(
      ({ data }) => data.why === 'conflict' && model.state.queue[data.branch]?.kind === 'change',
    );
    const tasks = entries(model, 'task_queued').filter(({ data }) => data.origin === 'conflict');
    const asked = new Set(tasks.map(({ data }) => data.task));
    return [
      ...drops
        .filter(({ data }) => !data.task || !asked.has(data.task))
        .map(({ data }) => `no task for ${data.branch}`),
      ...drops
        .filter(({ data, session }) => tasks.some((one) => one.data.task === data.task && one.data.for !== session))
        .map(({ data }) => `the task of ${data.branch} is for somebody else`),
      ...repeated(tasks.map(({ data }) => data.task)),
      ...repeated(
        [...new Set(drops.map(({ data }) => `${data.branch} ${data.commit}:${data.task}`))].map(
          (one) => one.split(':')[0]!,
        ),
      ),
      // A crash, or a person's other decision, may come between the task and the word that the branch is dropped.
      ...(asked.size > new Set(drops.map(({ data }) => data.task)).size + interruptions(model)
        ? ['a task for nothing']
        : []),
    ];
  },

  'a branch leaves the remote only when its commits are in main or its patch is kept': ({ facts }) =>
    all(facts, 'deleted')
      .filter(({ isKept }) => !isKept)
      .map(({ branch, commit }) => `${branch} at ${commit}`),

  'every branch ends closed, and gone from the remote unless others moved it': ({ state, remote }) =>
    Object.values(state.queue).flatMap(({ branch, commit, status, deleted }) => {
      const there = remote.branches.get(branch);
      const isClosed = ['landed', 'dropped', 'rejected', 'gone'].includes(status.state);
      return [
        ...(isClosed ? [] : [`${branch} is ${status.state}`]),
        ...(there === commit ? [`${branch} is still in the remote`] : []),
        ...(!deleted && there === undefined ? [`nobody was told that ${branch} is deleted`] : []),
      ];
    }),

  'no intent stays open': ({ state }) => Object.values(state.intents).map(({ data }) => `${data.effect}`),

  'the train says nothing that the rules of the journal refuse': ({ facts }) =>
    all(facts, 'refused').map(({ type, why }) => `${type}: ${why}`),

  'main made red by others is told once, truly, and ends when it is green': (model) => {
    const wrong: string[] = [];
    const own = new Set(all(model.facts, 'moved').map(({ to }) => to));
    let red: EntryOf<'main_red'> | undefined;
    for (const { entry } of all(model.facts, 'entry')) {
      if (entry.type === 'main_red') {
        const { commit, tree, green, broken, suspects, task } = entry.data;
        const { failing } = model.brokenBy(tree, model.at(green).tree);
        if (red) wrong.push(`${commit}: told while it was red`);
        if (own.has(commit)) wrong.push(`${commit} is the train’s own`);
        if (failing.length === 0 || !isSame(failing, broken)) wrong.push(`${commit} breaks ${failing}, not ${broken}`);
        if (!suspects.some((suspect) => suspect.commit === commit)) wrong.push(`${commit} is no suspect`);
        if (!task || model.state.tasks[task]?.origin !== 'main-red')
          wrong.push(`${commit}: nobody is asked to mend it`);
        red = entry;
      }
      if (entry.type !== 'main_green') continue;
      if (!red) wrong.push(`${entry.data.commit}: green again and was not red`);
      else if (model.brokenBy(entry.data.tree, model.at(red.data.green).tree).failing.length > 0)
        wrong.push(`${entry.data.commit} is still red`);
      red = undefined;
    }
    const { good } = model.state.projects[PROJECT] ?? {};
    if (red) wrong.push('it is still red');
    if (good?.commit !== model.remote.main) wrong.push(`${good?.commit} is called the last good tip`);
    return wrong;
  },

  'a landing that fails its verification is taken back by one revert, and one task tells of it': (model) => {
    const proposals = entries(model, 'revert_proposed');
    const tasks = entries(model, 'task_queued').filter(({ data }) => data.origin === 'revert');
    const landings = model.state.projects[PROJECT]?.landings ?? [];
    const failed = landings.filter(({ verification, revert }) => verification === 'failed' && !revert);
    return [
      ...landings.filter(({ verification }) => verification === 'owed').map(({ to }) => `${to} is not verified`),
      ...repeated(entries(model, 'landing_verified').map(({ data }) => data.main)),
      ...failed.flatMap(({ to, branches }) => {
        const own = proposals.filter(({ data }) => branches.some(({ branch }) => data.branches.includes(branch)));
        const asked = own.filter(({ data }) => tasks.filter((one) => one.data.task === data.task).length === 1);
        const isOver = own.every(({ data }) => ['landed', 'dropped', 'rejected'].includes(stateOf(model, data.branch)));
        return own.length === 1 && asked.length === 1 && isOver
          ? []
          : [
              `${to}: ${own.map(({ data }) => `${data.branch} is ${stateOf(model, data.branch)}`)}, ${asked.length} tasks`,
            ];
      }),
      ...proposals
        .filter(
          ({ data }) => !failed.some(({ branches }) => branches.some(({ branch }) => data.branches.includes(branch))),
        )
        .map(({ data }) => `${data.branch} for nothing`),
    ];
  },

  'a search costs at most one run for the whole and one for each halving': ({ facts, world: { batchMax } }) => {
    const wrong: string[] = [];
    // Who interferes makes a search begin anew; such ticks say nothing of its cost.
    const disturbed = new Set(all(facts, 'outside').map(({ tick }) => tick));
    let [runs, limit, tick, isRed] = [0, 0, 0, false];
    for (const fact of facts) {
      if (fact.what === 'executed' && fact.result && fact.riders > 0 && !isRed && !disturbed.has(fact.tick)) {
        if (fact.tick !== tick) runs = 0;
        tick = fact.tick;
        if (runs === 0) limit = Math.ceil(Math.log2(Math.min(batchMax, fact.riders))) + 1;
        runs += 1;
        if (runs > limit) wrong.push(`${runs} runs for ${fact.riders} branches`);
      }
      if (fact.what === 'entry' && fact.entry.type === 'main_red') isRed = true;
      if (fact.what === 'entry' && fact.entry.type === 'main_green') isRed = false;
      if (endsSearch(fact)) runs = 0;
    }
    return wrong;
  },
};

const endsSearch = (fact: Fact): boolean => {
  if (fact.what === 'moved') return true;
  if (fact.what === 'executed') return !fact.result;
  if (fact.what !== 'entry') return false;
  return ['branch_dropped', 'main_judged', 'main_red', 'main_green', 'branch_moved'].includes(fact.entry.type);
};

const wrongDrop = (model: ModelWorld, { data }: EntryOf<'branch_dropped'>): string[] => {
  const { branch, commit, main, why, broken, below, files } = data;
  const on = model.stack(main, { branch, commit });
  const mainTree = model.at(main).tree;
  switch (why) {
    case 'conflict':
      if (on.state !== 'conflict') return [`it is ${on.state} on ${main}`];
      return isSame(files, on.files) ? [] : [`it conflicts in ${on.files}, not in ${files}`];
    case 'empty':
      return on.state === 'stacked' && on.tree === mainTree ? [] : ['it holds something'];
    case 'unusable':
      return on.state === 'unusable' || model.isStuck(commit) ? [] : [`it is ${on.state} on ${main}`];
    case 'red': {
      if (on.state !== 'stacked') return [`it is ${on.state} on ${main}`];
      const { failing, lost } = model.brokenBy(on.tree, mainTree);
      const found = [...failing, ...lost];
      if (found.length === 0) return ['it is green'];
      return [
        ...(isSame(found, broken) ? [] : [`it breaks ${found}, not ${broken}`]),
        ...wrongCompany(model, branch, main, found, below),
      ];
    }
    default:
      return why satisfies never;
  }
};

/** With whom it is bad together, as far as they landed here since it was made. */
const wrongCompany = (model: ModelWorld, branch: string, main: string, broken: string[], below: string[]): string[] => {
  const { base } = model.state.queue[branch]!;
  const landed = all(model.facts, 'moved').filter(
    ({ to }) => model.isAncestor(to, main) && !model.isAncestor(to, base),
  );
  const since = landed.flatMap(({ from, to }) => model.landedBetween(from, to));
  const company = since.filter(({ commit }) => {
    const [tip, parent] = [model.at(commit), model.at(model.at(commit).parents[0]!)];
    const own = [...model.changesOf(tip.tree)].filter((change) => !model.changesOf(parent.tree).has(change));
    return own.some((change) =>
      broken.some((what) => what.split(' with ').includes(change) && what.includes(' with ')),
    );
  });
  return [
    ...company.filter((one) => !below.includes(one.branch)).map((one) => `${one.branch} is not named`),
    ...below.filter((name) => !since.some((one) => one.branch === name)).map((name) => `${name} has no part in it`),
  ];
};

const stateOf = ({ state }: ModelWorld, branch: string): string => state.queue[branch]?.status.state ?? 'unknown';

const interruptions = ({ facts }: ModelWorld): number => all(facts, 'outside').length;

const showLanding = ({ branch, commit }: { branch: string; commit: string }): string => `${branch}@${commit}`;

const all = <W extends Fact['what']>(facts: readonly Fact[], what: W): Extract<Fact, { what: W }>[] =>
  facts.filter((fact): fact is Extract<Fact, { what: W }> => fact.what === what);

const entries = <T extends EntryType>({ facts }: ModelWorld, type: T): EntryOf<T>[] =>
  all(facts, 'entry')
    .map(({ entry }): Entry => entry)
    .filter((entry) => entry.type === type) as unknown as EntryOf<T>[];

const without = (some: readonly string[], others: readonly string[]): string[] =>
  some.filter((one) => !others.includes(one));

const repeated = (some: readonly string[]): string[] => some.filter((one, n) => some.indexOf(one) !== n);

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  [...a].sort().join('\n') === [...b].sort().join('\n');
