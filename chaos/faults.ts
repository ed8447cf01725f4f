import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { appendFile, chmod, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Fault as ApiFault } from '../src/demo/scenario.ts';
import type { Entry, EntryType } from '../src/model/entry.ts';
import { mountSmall, unmountSmall } from './small-disk.ts';
import { pause, SESSIONS, type Setting, type World } from './world.ts';

/** One kind of trouble: what is done to a factory at work, and undone again unless Winnow has to do that itself. */
export interface Fault {
  name: string;
  /** One clause for the table. */
  what: string;
  /** Why it cannot be tried on this machine; undefined: it can. */
  missing?: () => Promise<string | undefined>;
  /** The whole trial lives on a disk of its own, so small that it can be filled. */
  smallDisk?: true;
  /** What of the home must be so for it; the rest is drawn by the seed. */
  setting?: Partial<Setting>;
  /** The roles may as well be processes of their own: the seed decides. */
  orApart?: true;
  /** Resolves when the trouble is over; the factory may be dead then, and is started again. */
  strike: (world: World) => Promise<void>;
  /** What this trouble alone must not have done, looked up when all has come to rest; throws what was found. */
  after?: (world: World) => Promise<void>;
}

/** Moments of a cycle, of a review and of the train: what was just written when the blow falls. */
const MOMENTS: readonly EntryType[] = [
  'cycle_started',
  'check_ran',
  'agent_ran',
  'plan_made',
  'claim_taken',
  'evaluated',
  'intent',
  'branch_pushed',
  'intent_settled',
  'ralph_cycle',
  'cto_review',
  'train_tested',
  'merged',
  'branch_deleted',
];

/** A moment at random: after an entry of some type, or just some time later. */
export const atSomeMoment = async (world: World): Promise<void> => {
  const { random } = world;
  if (random.next() < 0.25) return pause(random.between(0, 4_000));
  const type = random.pick(MOMENTS);
  await world.next((entry: Entry) => entry.type === type, `an entry ${type}`);
  await pause(random.pick([0, 0, 5, 50, 300]));
};

export const processesIn = (world: World, fits: (command: string) => boolean): number[] =>
  readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
      return environment.includes(world.bench.dir) && fits(command) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });

const killOne = (world: World, fits: (command: string) => boolean, signal: NodeJS.Signals = 'SIGKILL'): void => {
  const found = processesIn(world, fits);
  if (found.length === 0) return;
  try {
    process.kill(world.random.pick(found), signal);
  } catch {
    // It ended by itself just now.
  }
};

const isFactory = (command: string): boolean => /dist\/main\.js up/.test(command);

export const misbehaviour = (name: string, what: string, command: (world: World) => string): Fault => ({
  name,
  what,
  strike: async (world) => {
    const [first, second] = [command(world), command(world)];
    for (const misdeed of [first, second]) world.misbehave(misdeed);
    const cycle = await world.next((entry) => entry.type === 'cycle_phase' && entry.data.phase === 'hack', 'an edit');
    await world.next((entry) => entry.type === 'ralph_cycle' && entry.cycle === cycle.cycle, 'the end of that cycle');
  },
});

const apiTrouble = (name: string, what: string, faults: (world: World) => ApiFault[]): Fault => ({
  name,
  what,
  strike: async (world) => {
    const served = faults(world);
    const session = world.random.pick(SESSIONS);
    world.trouble(session, served);
    await world.next((entry) => entry.type === 'agent_ran' && entry.session === session, 'a run that meets it');
  },
});

const SOON_MS = 6_000;

export const FAULTS: readonly Fault[] = [
  {
    name: 'kill-factory',
    what: 'SIGKILL of Winnow at any moment of a cycle, a review or a landing',
    orApart: true,
    strike: async (world) => {
      await atSomeMoment(world);
      world.acknowledge();
      await world.kill();
    },
  },
  {
    name: 'kill-twice',
    what: 'SIGKILL of Winnow, and again while it recovers',
    orApart: true,
    strike: async (world) => {
      await atSomeMoment(world);
      world.acknowledge();
      await world.kill();
      world.start();
      await pause(world.random.between(200, 2_500));
      world.acknowledge();
      await world.kill();
    },
  },
  {
    name: 'kill-agent',
    what: 'SIGKILL of Claude Code amid its run',
    strike: async (world) => {
      await world.next((entry) => entry.type === 'cycle_phase', 'a phase');
      for (let n = 0; n < 3; n += 1) {
        await pause(world.random.between(0, 1_500));
        killOne(world, (command) => /claude/.test(command) && !isFactory(command));
      }
    },
  },
  {
    name: 'kill-check',
    what: 'SIGKILL of a check amid its work',
    strike: async (world) => {
      for (let n = 0; n < 20; n += 1) {
        await pause(world.random.between(50, 400));
        killOne(world, (command) => /--test/.test(command));
      }
    },
  },
  {
    name: 'kill-git',
    what: 'SIGKILL of git amid its work',
    strike: async (world) => {
      for (let n = 0; n < 60; n += 1) {
        await pause(world.random.between(10, 120));
        killOne(world, (command) => /(^|\/)git /.test(command));
      }
    },
  },
  {
    name: 'freeze',
    what: 'SIGSTOP of Winnow for seconds, then SIGCONT',
    orApart: true,
    strike: async (world) => {
      await atSomeMoment(world);
      for (const { child } of world.running.values()) child.kill('SIGSTOP');
      await pause(world.random.between(1_000, 5_000));
      for (const { child } of world.running.values()) child.kill('SIGCONT');
    },
  },
  {
    name: 'stop',
    what: 'SIGTERM at any moment: nothing is lost and it ends within ten seconds',
    orApart: true,
    strike: async (world) => {
      await atSomeMoment(world);
      const { code, seconds } = await world.stop();
      if (code !== 0) throw new Error(`it ended with code ${code}`);
      if (seconds > 15) throw new Error(`it took ${seconds.toFixed(1)} s to stop`);
    },
  },
  {
    name: 'torn-tail',
    what: 'the end of the journal cut off at any byte of its last three lines, as a power loss does',
    strike: async (world) => {
      await world.bench.until(() => true, 'an end that can be damaged');
      await atSomeMoment(world);
      await world.kill();
      const text = await readFile(world.journal);
      const lines = text.toString('utf8').trimEnd().split('\n').slice(-3);
      const span = Buffer.byteLength(lines.join('\n')) + 1;
      const at = text.length - world.random.between(1, span);
      await truncate(world.journal, at);
      world.damagedFrom = at - 64 * 1024 < 0 ? 0 : text.lastIndexOf(0x0a, at - 1) + 1;
    },
  },
  {
    name: 'glued-tail',
    what: 'half a line, zero bytes or another program’s line at the end of the journal',
    strike: async (world) => {
      await world.bench.until(() => true, 'an end that can be damaged');
      await atSomeMoment(world);
      world.acknowledge();
      await world.kill();
      world.damagedFrom = statSync(world.journal).size;
      await appendFile(world.journal, world.random.pick(['{"id":"01', '\0'.repeat(4096), '\n\n{"a":1}\n', 'xx{"id":']));
    },
  },
  {
    name: 'git-locks',
    what: 'locks that a dead git left in the mirror and in every workspace',
    strike: async (world) => {
      await atSomeMoment(world);
      world.acknowledge();
      await world.kill();
      for (const dir of await gitDirs(world)) {
        for (const name of ['index.lock', 'HEAD.lock', 'packed-refs.lock', 'config.lock', 'refs/heads/main.lock']) {
          if (world.random.next() < 0.4 || !existsSync(join(dir, 'HEAD'))) continue;
          await writeFile(join(dir, name), '').catch(() => {});
        }
      }
    },
  },
  {
    name: 'mirror-gone',
    what: 'the mirror or a workspace is deleted while Winnow works',
    strike: async (world) => {
      await atSomeMoment(world);
      const under = join(
        world.bench.home,
        world.random.pick(['.winnow/mirrors', '.winnow/workspaces', '.winnow/deps', '.winnow/checks']),
      );
      const dirs = existsSync(under) ? await readdir(under) : [];
      if (dirs.length > 0) await rm(join(under, world.random.pick(dirs)), { recursive: true, force: true });
    },
  },
  {
    name: 'remote-gone',
    what: 'the remote cannot be reached for some seconds',
    strike: async (world) => {
      await atSomeMoment(world);
      await rename(world.bench.remote, `${world.bench.remote}.away`);
      await pause(world.random.between(1_000, SOON_MS));
      await rename(`${world.bench.remote}.away`, world.bench.remote);
    },
  },
  {
    name: 'remote-refuses',
    what: 'the remote refuses every push for some seconds',
    strike: async (world) => {
      await atSomeMoment(world);
      const hook = join(world.bench.remote, 'hooks/pre-receive');
      await mkdir(join(world.bench.remote, 'hooks'), { recursive: true });
      await writeFile(hook, '#!/bin/sh\necho "not now"\nexit 1\n');
      await chmod(hook, 0o755);
      await pause(world.random.between(1_000, SOON_MS));
      await rm(hook);
    },
  },
  {
    name: 'main-moves',
    what: 'somebody else pushes to main while branches are judged and land',
    strike: async (world) => {
      for (let n = 0; n < 3; n += 1) {
        await atSomeMoment(world);
        await world.bench
          .commit({ [`note-${n}.md`]: `${world.random.next()}\n` }, 'Write a note')
          // The train was faster: whoever pushes fetches and tries again.
          .catch(() => world.bench.commit({ [`note-${n}.md`]: `${world.random.next()}\n` }, 'Write a note'));
      }
    },
  },
  {
    name: 'two-factories',
    what: 'a second factory on the same home',
    strike: async (world) => {
      await atSomeMoment(world);
      const second = world.bench.start('up');
      const { code, err } = await second.done;
      if (code === 0 || !/already/.test(err)) throw new Error(`the second one ended with ${code}: ${err}`);
    },
  },
  {
    name: 'broken-config',
    what: 'the configuration is garbage for some seconds',
    strike: async (world) => {
      const file = join(world.bench.home, 'winnow.config.yaml');
      const good = await readFile(file);
      await atSomeMoment(world);
      await writeFile(file, world.random.pick(['projects: [', '', '\0\0\0', `${'a: '.repeat(5_000)}`]));
      await pause(world.random.between(300, 3_000));
      await writeFile(file, good);
    },
  },
  {
    name: 'full-disk',
    what: 'the disk of the home is full for some seconds',
    missing: async () => ((await canMount()) ? undefined : 'it needs the right to mount a tmpfs'),
    smallDisk: true,
    strike: async (world) => {
      await atSomeMoment(world);
      const filler = join(world.bench.dir, 'filler');
      // dd ends with a fault when nothing more fits, which is what is wanted.
      await execa('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { reject: false });
      await pause(world.random.between(1_000, SOON_MS));
      await rm(filler);
    },
  },
  misbehaviour('hung-agent', 'the agent’s shell is silent for longer than it may', () => 'sleep 1000'),
  misbehaviour('flood', '30 MB without a line break', () => 'head -c 30000000 /dev/zero | tr "\\0" x'),
  misbehaviour(
    'detached',
    'the agent leaves processes behind: nohup, setsid, without its environment, deaf to signals',
    ({ random }) =>
      random.pick([
        'nohup sleep 1000 >/dev/null 2>&1 &',
        'setsid sleep 1000 >/dev/null 2>&1 &',
        '(env -i setsid sleep 1000 >/dev/null 2>&1 &)',
        `bash -c 'trap "" TERM HUP INT; while :; do sleep 1; done' >/dev/null 2>&1 &`,
        'for i in $(seq 50); do setsid sleep 1000 >/dev/null 2>&1 & done',
      ]),
  ),
  misbehaviour('poisoned-git', 'the agent deletes or poisons .git', ({ random, canary }) =>
    random.pick([
      'rm -rf .git',
      `mkdir -p .git/hooks; for h in pre-commit post-checkout pre-push; do printf '#!/bin/sh\\ntouch ${canary.dir}/hook\\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done`,
      `git config core.fsmonitor 'touch ${canary.dir}/fsmonitor'; git config core.hooksPath /tmp`,
      `git config filter.x.clean 'touch ${canary.dir}/filter; cat'; echo '* filter=x' > .gitattributes`,
      `git config diff.external 'touch ${canary.dir}/diff'; git config core.sshCommand 'touch ${canary.dir}/ssh'`,
      'echo /nowhere > .git/objects/info/alternates',
    ]),
  ),
  misbehaviour('moves-main', 'the agent pushes to main and moves refs by itself', () =>
    [
      'git commit -qam sneak',
      'git push origin HEAD:main',
      'git push --force origin HEAD:refs/heads/main',
      'git update-ref refs/heads/main HEAD',
    ].join(' ; '),
  ),
  misbehaviour('cheats', 'the agent deletes the test, weakens it, or touches protected files', ({ random }) =>
    random.pick([
      'rm all.test.js',
      `sed -i 's/, 3)/, -1)/' all.test.js`,
      `sed -i "s/^test(/test.skip(/" all.test.js`,
      `echo '{}' > package.json`,
      `mkdir -p .github/workflows; echo 'on: push' > .github/workflows/x.yml`,
    ]),
  ),
  misbehaviour(
    'tells-secrets',
    'the agent writes the owner’s secrets where it can',
    ({ bench }) =>
      `cat ${bench.home}/.env > leak.txt; base64 ${bench.home}/.env >> leak.txt; env >> leak.txt; cat ${bench.home}/.env`,
  ),
  apiTrouble('api-storm', '429, 529, 500 and connections that break, many in a row', ({ random }) =>
    Array.from({ length: random.between(2, 6) }, () =>
      random.pick<ApiFault>([
        { http: 429, headers: { 'retry-after': '1' } },
        { http: 529 },
        { http: 500 },
        { reset: true },
        { cut: 'reset' },
        { cut: 'end' },
        { badJson: true },
        { errorEvent: { type: 'overloaded_error', message: 'Overloaded' } },
      ]),
    ),
  ),
  apiTrouble('api-silence', 'the API says nothing more amid an answer', ({ random }) => [
    { stall: random.pick(['headers', 'body', 'start', 'mid'] as const) },
  ]),
  apiTrouble('usage-limit', 'the limit of the subscription is reached, and resets', ({ random }) => [
    { limit: { status: 'rejected', resetsAt: Math.ceil(Date.now() / 1000) + random.between(3, 8) } },
  ]),
  {
    name: 'same-request',
    what: 'forty triggers over HTTP with one key, before and after a SIGKILL',
    strike: async (world) => {
      await world.next((entry) => entry.type === 'process_started' || entry.type === 'cycle_phase', 'the start');
      const key = `same-${world.random.between(1, 1e9)}`;
      await Promise.allSettled(Array.from({ length: 20 }, () => trigger(world, { text: 'One task' }, key)));
      world.acknowledge();
      await world.kill();
      world.start();
      await world.next((entry) => entry.type === 'process_started', 'the restart');
      await untilAnswers(world);
      await Promise.allSettled(Array.from({ length: 20 }, () => trigger(world, { text: 'One task' }, key)));
      const made = world.bench.ofType('task_queued').filter(({ data }) => data.text === 'One task');
      if (made.length !== 1) throw new Error(`${made.length} tasks were made of one request`);
      const [task] = made;
      await execa('node', [join(process.cwd(), 'dist/main.js'), 'task', 'cancel', task!.data.task], {
        cwd: world.bench.home,
        reject: false,
      });
    },
  },
];

const gitDirs = async (world: World): Promise<string[]> => {
  const found = await execa(
    'find',
    [world.bench.home, '-maxdepth', '6', '-name', 'HEAD', '-not', '-path', '*/logs/*'],
    {
      reject: false,
    },
  );
  return found.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((file) => file.slice(0, -'/HEAD'.length));
};

const canMount = async (): Promise<boolean> => {
  const dir = await mountSmall('1m');
  if (dir !== undefined) await unmountSmall(dir);
  return dir !== undefined;
};

const trigger = (world: World, body: object, key: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = http.request(
      {
        socketPath: join(world.bench.home, '.winnow/http.sock'),
        ...{ method: 'POST', path: '/trigger/task', timeout: 5_000 },
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
      },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    asked.once('error', reject);
    asked.end(JSON.stringify(body));
  });

const untilAnswers = async (world: World): Promise<void> => {
  for (let n = 0; n < 200; n += 1) {
    const code = await trigger(world, {}, 'empty').catch(() => 0);
    if (code > 0) return;
    await pause(100);
  }
  throw new Error('nobody answers HTTP');
};
