import type { BenchRow } from './row.ts';

/** What is measured together, and which rows come of it. What a group needs is loaded when its turn comes. */
export interface Group {
  name: string;
  keys: readonly string[];
  measure: () => Promise<BenchRow[]>;
}

export const GROUPS: readonly Group[] = [
  {
    name: 'cycle overhead',
    keys: ['overhead.wall', 'overhead.cpu', 'overhead.share'],
    measure: async () => (await import('./overhead.ts')).overheadRows(),
  },
  {
    name: 'checks executed',
    keys: ['checks.executed'],
    measure: async () => (await import('./checks.ts')).checkRows(),
  },
  {
    name: 'parallel cycles',
    keys: ['parallel.wall'],
    measure: async () => (await import('./parallel.ts')).parallelRows(),
  },
  {
    name: 'journal',
    keys: [
      'journal.append',
      'journal.durable',
      'journal.durable-group',
      'journal.start',
      'journal.tail',
      'journal.state',
      'journal.follow',
      'journal.missed',
    ],
    measure: async () => (await import('./journal.ts')).journalRows(),
  },
  {
    name: 'start',
    keys: ['start.process', 'start.inside', 'start.context'],
    measure: async () => (await import('./start.ts')).startRows(),
  },
  {
    name: 'landing',
    keys: [
      'landing.runs-3',
      'landing.time-3',
      'landing.runs-8',
      'landing.time-8',
      'landing.loaded',
      'landing.batches-0',
      'landing.batches-2',
      'landing.batches-5',
      'landing.batches-10',
      'landing.batches-20',
    ],
    measure: async () => (await import('./landing.ts')).landingRows(),
  },
  {
    name: 'search of past cycles',
    keys: ['search.query', 'search.index'],
    measure: async () => (await import('./search.ts')).searchRows(),
  },
  {
    name: 'slots',
    keys: [
      'slots.uncontended',
      'slots.contended',
      'slots.unused',
      'slots.fairness',
      'slots.holder-killed',
      'slots.server-killed',
    ],
    measure: async () => (await import('./slots.ts')).slotRows(),
  },
  {
    name: 'skills',
    keys: ['skills.selection', 'skills.helpful', 'skills.harmful', 'skills.rare', 'skills.neutral'],
    measure: async () => (await import('./skills.ts')).skillRows(),
  },
  {
    name: 'withholding secrets',
    keys: ['withhold.text', 'withhold.entry'],
    measure: async () => (await import('./withhold.ts')).withholdRows(),
  },
  {
    name: 'memory by sessions',
    keys: ['memory.8-sessions', 'memory.each-session', 'memory.64-sessions'],
    measure: async () => (await import('./memory.ts')).memoryRows(),
  },
  {
    name: 'memory by role',
    keys: [
      'roles.all',
      'roles.scheduler',
      'roles.reviewer',
      'roles.standup',
      'roles.doctor',
      'roles.bot',
      'roles.http',
      'roles.together',
    ],
    measure: async () => (await import('./role-memory.ts')).roleMemoryRows(),
  },
  {
    name: 'event loop',
    keys: ['loop.delay', 'loop.cpu'],
    measure: async () => (await import('./event-loop.ts')).eventLoopRows(),
  },
  {
    name: 'HTTP',
    keys: ['http.trigger', 'http.trigger-written', 'http.rate'],
    measure: async () => (await import('./http.ts')).httpRows(),
  },
  {
    name: 'dashboard',
    keys: [
      'dashboard.wire',
      'dashboard.cpu',
      'dashboard.still',
      'dashboard.keys',
      'dashboard.stall',
      'dashboard.memory',
    ],
    measure: async () => (await import('./dashboard.ts')).dashboardRows(),
  },
  {
    name: 'command line',
    keys: ['cli.help', 'cli.status', 'cli.status-json'],
    measure: async () => (await import('./cli.ts')).cliRows(),
  },
];

/** The groups with those of their keys that are wanted: all, or what holds the text in its key or its group's name. */
export const chosenGroups = (only: string | undefined): Group[] => {
  const wanted = only?.toLowerCase();
  return GROUPS.flatMap((group) => {
    if (wanted === undefined || group.name.toLowerCase().includes(wanted)) return [group];
    const keys = group.keys.filter((key) => key.includes(wanted));
    return keys.length === 0 ? [] : [{ ...group, keys }];
  });
};
