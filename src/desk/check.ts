import { execa } from 'execa';
import { lendsAsPlugin } from '../flow/agent.ts';
import { readShelf } from '../flow/skills.ts';
import type { Config, ProjectConfig } from '../model/config.ts';
import type { EntryOf } from '../model/entry.ts';
import type { Failure } from '../model/failure.ts';
import { agentReach, isListing, listedHost, type Reach, upstreamOf } from '../policy/hosts.ts';
import { type Target, targetsOf, targetText } from '../policy/post.ts';
import { registriesOf } from '../policy/registries.ts';
import type { Climbed } from '../ports/machine/climb.ts';
import { isSafeAddress } from '../ports/post/send.ts';
import type { Factory } from './doors.ts';

/** What this machine and this home have and lack, each with the way to get it. */
export interface Finding {
  name: string;
  state: 'ok' | 'warn' | 'fail';
  /** What was found, with version or figure. */
  found: string;
  mend: string;
}

/** What does not need a home. */
export const checkMachine = async (): Promise<Finding[]> => [
  checkPlatform(),
  checkNode(process.versions.node),
  await checkGit(),
  await checkPty(),
];

const NODE_MIN = [20, 19] as const;
const NODE_GOOD = 24;
/** `git merge-tree --write-tree` came with 2.38. */
const GIT_MIN = [2, 38] as const;

const checkPlatform = (): Finding => ({
  name: 'platform',
  state: process.platform === 'linux' ? 'ok' : 'fail',
  found: `${process.platform} ${process.arch}`,
  mend: process.platform === 'linux' ? '' : 'Run Winnow on Linux: it finds and ends processes by /proc.',
});

const checkNode = (version: string): Finding => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
    return {
      name: 'node',
      state: 'fail',
      found: version,
      mend: `Install Node ${NODE_MIN.join('.')} or later; ${NODE_GOOD} is best.`,
    };
  }
  const mend =
    major < NODE_GOOD ? `Node ${NODE_GOOD} is recommended: it also keeps the last lines of pseudo-terminals.` : '';
  return { name: 'node', state: 'ok', found: version, mend };
};

const checkGit = async (): Promise<Finding> => {
  const result = await execa('git', ['--version'], { reject: false, timeout: 10_000 });
  const match = /(\d+)\.(\d+)(?:\.\d+)*/.exec(result.stdout ?? '');
  if (!match) return { name: 'git', state: 'fail', found: 'not found', mend: 'Install git: apt-get install git' };
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const old = major < GIT_MIN[0] || (major === GIT_MIN[0] && minor < GIT_MIN[1]);
  return {
    name: 'git',
    state: old ? 'fail' : 'ok',
    found: match[0],
    mend: old ? `Install git ${GIT_MIN.join('.')} or later.` : '',
  };
};

const checkPty = async (): Promise<Finding> => {
  try {
    const { spawn } = await import('node-pty');
    const exitCode = await new Promise<number>((resolve) => {
      spawn('/bin/sh', ['-c', 'test -t 0 && exit 7'], {}).onExit((event) => resolve(event.exitCode));
    });
    if (exitCode === 7) return { name: 'terminal', state: 'ok', found: 'pseudo-terminals work', mend: '' };
    return {
      name: 'terminal',
      state: 'fail',
      found: `a pseudo-terminal ended with ${exitCode}`,
      mend: 'Mount /dev/pts (devpts) on this machine.',
    };
  } catch (error) {
    const found = `node-pty does not load: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
    return {
      name: 'terminal',
      state: 'fail',
      found,
      mend: 'Run npm ci again with a compiler installed (apt-get install build-essential python3).',
    };
  }
};

/** What a home needs beside the machine: Claude Code with a login, room, and each project's repository. */
export const checkHome = async (factory: Factory): Promise<Finding[]> => {
  const findings = [
    await checkClaude(factory),
    await checkLogin(factory),
    checkReaper(factory),
    ...(await checkWalls(factory)),
    await checkRoom(factory),
  ];
  findings.push(checkSkills(factory), ...checkChannels(factory));
  for (const project of factory.config().projects) findings.push(await checkProject(factory, project));
  return findings;
};

/** The version that Winnow's tests drive; another one may behave differently. */
const CLAUDE_TESTED = '2.1.329';

const checkClaude = async ({ shop }: Factory): Promise<Finding> => {
  const probed = await shop.claude.probe();
  if (!probed.ok) return failedBy('claude', probed.error);
  const { path, version } = probed;
  const tested = version.startsWith(CLAUDE_TESTED);
  return {
    name: 'claude',
    state: tested ? 'ok' : 'warn',
    found: `${version} (${path})`,
    mend: tested
      ? ''
      : `Winnow is tested with ${CLAUDE_TESTED}: npm install -g @anthropic-ai/claude-code@${CLAUDE_TESTED}`,
  };
};

const checkLogin = async (factory: Factory): Promise<Finding> => {
  const { shop } = factory;
  const probed = await shop.claude.probe();
  if (!probed.ok) return { name: 'login', state: 'fail', found: 'not asked: Claude Code is missing', mend: '' };
  const env = shop.environments.forAgent({
    dir: shop.paths.home,
    session: 'check',
    shims: undefined,
    extra: factory.config().agent.env,
  });
  const configDir = shop.environments.hasAgentCredential ? {} : { CLAUDE_CONFIG_DIR: shop.ownerClaudeConfig };
  const result = await execa(probed.path, ['auth', 'status'], {
    env: { ...env, ...configDir },
    extendEnv: false,
    reject: false,
    timeout: 20_000,
    stdin: 'ignore',
  });
  const status = parseStatus(result.stdout ?? '');
  if (status?.loggedIn === true)
    return { name: 'login', state: 'ok', found: status.authMethod ?? 'logged in', mend: '' };
  return {
    name: 'login',
    state: status ? 'fail' : 'warn',
    found: status ? 'Claude Code is not logged in' : 'Claude Code does not say whether it is logged in',
    mend: 'Log in with `claude` then /login, or put CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) or ANTHROPIC_API_KEY into .env.',
  };
};

const parseStatus = (text: string): { loggedIn?: unknown; authMethod?: string } | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};

const checkReaper = ({ reaper }: Factory): Finding => {
  if (reaper.kind !== 'sweep') {
    return {
      name: 'processes',
      state: 'ok',
      found: `each run and each check in a process namespace of its own (${reaper.kind})`,
      mend: '',
    };
  }
  return {
    name: 'processes',
    state: 'warn',
    found: 'no process namespaces; what a run leaves behind is found by its marker',
    mend: 'Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1), so that nothing can outlive its run.',
  };
};

/** One row for each wall, after it was climbed for real; what was reached makes it fail. */
const checkWalls = async (factory: Factory): Promise<Finding[]> => {
  const kind = factory.shop.walls.kind();
  if (kind === 'none') {
    const mend = 'Set `agent.sandbox: bwrap` in winnow.config.yaml (apt-get install bubblewrap); see docs/walls.md.';
    return [{ name: 'sandbox', state: 'warn', found: 'none: a session can read and write what you can', mend }];
  }
  const stands = await factory.shop.walls.stand();
  if (!stands.ok) return [failedBy('sandbox', stands.error)];
  const rooms: { room: RoomName; network: Reach; climbed: Climbed }[] = [];
  for (const [room, network] of roomsOf(factory)) {
    const climbed = await factory.climb(network);
    if (!climbed.ok) return [failedBy('sandbox', climbed.error)];
    rooms.push({ room, network, climbed: climbed.value });
  }
  const row = (wall: Exclude<keyof Climbed, 'network' | 'cut'>, holds: string, mend: string): Finding => {
    const reached = [...new Set(rooms.flatMap(({ climbed }) => climbed[wall]))];
    if (reached.length === 0) return { name: `wall: ${wall}`, state: 'ok', found: holds, mend: '' };
    return { name: `wall: ${wall}`, state: 'fail', found: `climbed: ${reached.join(', ')}`, mend };
  };
  const permissions =
    kind === 'user' ? 'Take the permission from others: chmod go-rwx on what is named.' : 'Report this as a defect.';
  return [
    { name: 'sandbox', state: 'ok', found: kind, mend: '' },
    row('read', 'neither your home nor the secrets of this one can be read', permissions),
    row('write', 'nothing outside its own directories can be written', permissions),
    row('store', 'the installed dependencies cannot be written', permissions),
    row('system', 'the system and the kernel’s settings cannot be changed', permissions),
    row('processes', 'no process outside can be seen, signalled or read', permissions),
    row('leftovers', 'nothing outlives its command', permissions),
    ...rooms.map(networkRow),
    ...checkStoredLogin(factory),
  ];
};

type RoomName = 'checks' | 'sessions' | 'installs';

/** Which rooms there are, by what they reach; behind another user all are alike. */
const roomsOf = (factory: Factory): [RoomName, Reach][] => {
  const { shop } = factory;
  const { agent, projects } = factory.config();
  const isOpen = projects.every(({ network }) => network === 'open');
  if (agent.sandbox !== 'bwrap') return [['checks', 'open']];
  const place = { dir: shop.paths.home, session: 'check', shims: undefined, extra: agent.env };
  const env = shop.environments.forInstall({}, true);
  const named = [...projects.flatMap(({ hosts }) => hosts.map((text) => listedHost(text))), ...registriesOf(env)];
  return [
    ['checks', isOpen ? 'open' : 'none'],
    ['sessions', agentReach(agent, shop.environments.forAgent(place))],
    ['installs', isListing(agent) ? { hosts: named, upstream: upstreamOf(env) } : 'open'],
  ];
};

const networkRow = ({ room, network, climbed }: { room: RoomName; network: Reach; climbed: Climbed }): Finding => {
  const name = room === 'checks' ? 'wall: network' : `wall: network of ${room}`;
  const mend = 'Report this as a defect.';
  if (climbed.network.length > 0) return { name, state: 'fail', found: `climbed: ${climbed.network.join(', ')}`, mend };
  if (climbed.cut.length > 0) {
    return { name, state: 'fail', found: `what is listed is not reached through ${climbed.cut.join(' and ')}`, mend };
  }
  if (network === 'none') return { name, state: 'ok', found: 'a check reaches no server, not even here', mend: '' };
  if (network === 'open') {
    const could = room === 'checks' ? '' : 'Leave out `agent.network: open`, and name what is missing under `hosts`.';
    return { name, state: 'warn', found: `open, as configured: ${room} reach what you reach`, mend: could };
  }
  return { name, state: 'ok', found: `${room} reach what is listed and no other host, port or address`, mend: '' };
};

/** It would have to be writable, and with it all that the owner's own Claude Code reads and runs. */
const checkStoredLogin = ({ shop }: Factory): Finding[] => {
  if (!lendsAsPlugin(shop, 'check')) return [];
  const mend = 'Put CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) or ANTHROPIC_API_KEY into .env.';
  return [{ name: 'wall: login', state: 'fail', found: 'a stored login is not shown behind the wall', mend }];
};

const checkRoom = async (factory: Factory): Promise<Finding> => {
  const { diskFreeBytes, memoryUsedShare, memoryTotalBytes } = await factory.facts();
  const { disk, memory } = factory.config().gates;
  const gb = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GB`;
  const found = `${gb(diskFreeBytes)} of disk free, ${Math.round(memoryUsedShare * 100)} % of ${gb(memoryTotalBytes)} memory used`;
  if (diskFreeBytes < disk)
    return { name: 'room', state: 'fail', found, mend: `Free disk space: below ${gb(disk)} nothing starts.` };
  if (memoryUsedShare > memory)
    return { name: 'room', state: 'warn', found, mend: `Above ${Math.round(memory * 100)} % nothing starts.` };
  return { name: 'room', state: 'ok', found, mend: '' };
};

/** What lies under skills/ and is lent to nobody is named; the factory works without it. */
const checkSkills = ({ shop }: Factory): Finding => {
  const { skills, refused } = readShelf(shop);
  return {
    name: 'skills',
    state: refused.length === 0 ? 'ok' : 'warn',
    found: `${skills.length} lent${refused.length === 0 ? '' : `, ${refused.length} refused`}`,
    mend: refused.map(({ file, reason }) => `${file}: ${reason}`).join('\n'),
  };
};

/** After this a refusal is history. */
const REFUSAL_SHOWN_MS = 3 * 86_400_000;
/** Of very many the newest say how it is. */
const ENTRIES_READ_MAX = 1_000;

/** Who is told of notices, and what became of the last message; nothing is sent for it: that is `winnow notify test`. */
const checkChannels = ({ config, journal, clock }: Factory): Finding[] => {
  const types = ['alert', 'message_queued', 'message_sent'] as const;
  const entries = journal.tail(ENTRIES_READ_MAX, { types, sinceMs: clock.now() - REFUSAL_SHOWN_MS });
  const names = new Map<string, string>();
  const refusals = new Map<string, EntryOf<'alert'>>();
  const targets = targetsOf(config());
  for (const entry of entries) {
    if (entry.type === 'message_queued') names.set(entry.data.message, targetText(entry.data));
    if (entry.type === 'message_sent') refusals.delete(names.get(entry.data.message) ?? '');
    if (entry.type !== 'alert') continue;
    const refusing = targets.find((target) => entry.data.message.startsWith(`${targetText(target)} takes no messages`));
    if (refusing) refusals.set(targetText(refusing), entry);
  }
  const test = '`winnow notify test` tries it.';
  return targets.map((target): Finding => {
    const name = targetText(target);
    const address = addressOf(target, config());
    if (address !== undefined && !isSafeAddress(address)) {
      const mend = 'Give it an https address, or http on this machine: what is sent names branches and people.';
      return { name, state: 'warn', found: 'its address is not https: nothing is sent there', mend };
    }
    const refused = refusals.get(name)?.data;
    if (refused) return { name, state: 'warn', found: refused.message, mend: `${refused.mend} ${test}` };
    const waiting = Object.values(journal.state().outbox).filter((message) => targetText(message) === name);
    const failing = waiting.find(({ reason }) => reason !== undefined);
    if (failing) return { name, state: 'warn', found: `${waiting.length} waiting: ${failing.reason}`, mend: test };
    return { name, state: 'ok', found: 'is told of notices', mend: '' };
  });
};

const addressOf = ({ channel, to }: Target, { notify }: Config): string | undefined => {
  if (channel === 'discord') return notify.discord;
  return channel === 'webhook' ? notify.webhooks.find(({ name }) => name === to)?.url : undefined;
};

const checkProject = async ({ shop }: Factory, project: ProjectConfig): Promise<Finding> => {
  const name = `project ${project.name}`;
  const mirror = await shop.mirrorOf(project);
  if (!mirror.ok) return failedBy(name, mirror.error);
  const fetched = await mirror.value.fetch();
  if (!fetched.ok) return failedBy(name, fetched.error);
  return { name, state: 'ok', found: `${project.branch} at ${fetched.value.tip.slice(0, 10)}`, mend: '' };
};

const failedBy = (name: string, { message, mend }: Failure): Finding => ({ name, state: 'fail', found: message, mend });
