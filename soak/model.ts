import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Random } from '../chaos/random.ts';
import type { Fault, Reply, Scenario } from '../src/demo/scenario.ts';
import type { Tokens } from '../src/model/entry.ts';

/**
 * The model’s words for a day: the same mind speaks through stand-ins, which cost milliseconds, and through the scripted
 * Messages API to the real Claude Code. It keeps its own bill of every run, which nobody else reads.
 */
export interface Model {
  /** Where stand-ins ask; `/<session>` names who asks. */
  url: string;
  /** The same words over the Messages API. */
  scenario: Scenario;
  /** By the id of the run, what stand-ins were billed. */
  bills: ReadonlyMap<string, Bill>;
  /** Runs of the real Claude Code, by what they were for. */
  sampled: Record<string, number>;
  /** What sessions were told of themselves when they were asked for a report. */
  facts: readonly Facts[];
  /** So many of the next answers are faults of the service. */
  storm: (runs: number) => void;
  /** The next plan meets the limit of the subscription. */
  limitUntil: (resetsAtMs: number) => void;
  close: () => Promise<void>;
}

/** From the prompt of the first round of a standup. */
export interface Facts {
  session: string;
  text: string;
  /** How long the journal was when the prompt arrived. */
  journalBytes: number;
}

export interface Bill {
  costUsd: number;
  tokens: Tokens;
}

/** m01 … m99; the first few work from the start, the others wait to be mended. */
export const MODULES = 99;
export const WORKING = 5;
export const moduleName = (n: number): string => `m${String(n).padStart(2, '0')}`;
/** What somebody else breaks on main. */
export const MENDED = moduleName(2);

/** Of this many conversations of a kind one is held by the real Claude Code. */
const SAMPLE_EVERY = 10;
/** A meeting has very many. */
const STANDUP_SAMPLE_EVERY = 30;
/** What ten plans in a row are, shuffled: whatever the seed, a day has all of them. */
const DECK = ['good', 'good', 'good', 'good', 'good', 'shared', 'shared', 'bad', 'nothing', 'crash'] as const;
type Card = (typeof DECK)[number];
const DECISIONS = ['approve', 'approve', 'approve', 'approve', 'approve', 'approve', 'reject', 'needs-human'] as const;

type Purpose = 'plan' | 'hack' | 'review' | 'standup' | 'chair' | 'doctor' | 'learn' | 'answer' | 'upkeep';

/** By what an answer has to look like. */
const purposeOf = (schema: string): Purpose => {
  if (schema === '') return 'hack';
  const { properties = {} } = JSON.parse(schema) as { properties?: object };
  const has = (name: string) => name in properties;
  if (has('commitment')) return 'standup';
  if (has('priorities')) return 'chair';
  if (has('decision')) return 'review';
  if (has('diagnosis')) return 'doctor';
  if (has('patterns')) return 'learn';
  if (has('understood')) return 'answer';
  if (has('skills')) return 'upkeep';
  return 'plan';
};

/** Either words by the schema, or shell for the workspace, or a fault of the service. */
type Said = { answer: unknown } | { shell: string } | { fault: number | 'crash' };

export const startModel = async (random: Random, journal: () => string): Promise<Model> => {
  const bills = new Map<string, Bill>();
  const sampled: Record<string, number> = {};
  const facts: Facts[] = [];
  const conversations = new Map<string, { real: boolean; shell?: string; done?: boolean }>();
  const begun: Record<string, number> = {};
  let deck: Card[] = [];
  let nextModule = WORKING + 1;
  let stormy = 0;
  let limitMs: number | undefined;

  const draw = (): Card => {
    if (deck.length === 0) deck = shuffled(DECK, random);
    return deck.pop()!;
  };
  const takeModule = (): string | undefined => {
    if (nextModule > MODULES) return undefined;
    nextModule += 1;
    return moduleName(nextModule - 1);
  };

  const plan = (conversation: string, prompt: string): Said => {
    const task = /## The task\n([\s\S]*?)\n## /.exec(prompt)?.[1] ?? '';
    const asked = /\bm\d\d\b/.exec(task)?.[0];
    const card = asked ? 'good' : draw();
    const name = asked ?? (card === 'nothing' ? undefined : takeModule());
    const talk = conversations.get(conversation)!;
    // It is not repeated: the session rests, and its next cycle draws anew.
    if (card === 'crash') return { fault: 'crash' };
    if (name === undefined) return { answer: planOf('Nothing is worth doing', [], true) };
    const files = [`${name}.js`, ...(card === 'shared' ? ['NOTES.md'] : [])];
    const mend = `sed -i 's/a - b/a + b/' ${name}.js`;
    const more = {
      good: '',
      shared: ` && echo '- ${name} adds' >> NOTES.md`,
      bad: ` && sed -i 's/a + b/a - b/' ${moduleName(1)}.js`,
    }[card as 'good' | 'shared' | 'bad'];
    talk.shell = mend + more;
    return { answer: planOf(`Add in ${name} instead of subtracting`, files) };
  };

  const speak = (who: string, schema: string, conversation: string, prompt: string): Said => {
    if (stormy > 0) {
      stormy -= 1;
      return { fault: random.pick([429, 500, 529]) };
    }
    const purpose = purposeOf(schema);
    switch (purpose) {
      case 'plan':
        return plan(conversation, prompt);
      case 'hack':
        return { shell: conversations.get(conversation)?.shell ?? 'true' };
      case 'review':
        // A person who comes hours later must not be what a red main waits for.
        return { answer: reviewOf(prompt.includes(`${MENDED}.js`) ? 'approve' : random.pick(DECISIONS)) };
      case 'standup': {
        const text = /^Session \S+ of project \S+, since [\s\S]*?its runs cost \$[\d.]+/m.exec(prompt)?.[0];
        if (text !== undefined && prompt.includes('round one of three'))
          facts.push({ session: who, text, journalBytes: statSync(journal()).size });
        const isLast = prompt.includes('The last round.');
        const name = isLast && random.next() < 0.15 ? takeModule() : undefined;
        return { answer: wordOf(name) };
      }
      case 'chair':
        return { answer: { summary: 'Modules are mended one by one.', priorities: ['Add'], blockers: [] } };
      case 'doctor':
        return { answer: { diagnosis: 'It met what it could not change.', evidence: [] } };
      case 'learn':
        return { answer: { summary: 'One module at a time was kept.', patterns: [] } };
      case 'answer':
        return { answer: { understood: false } };
      case 'upkeep':
        return { answer: { skills: [BURN] } };
      default:
        return purpose satisfies never;
    }
  };

  /** Whether this conversation is held by the real Claude Code. */
  const isReal = (purpose: Purpose, conversation: string): boolean => {
    const known = conversations.get(conversation);
    if (known) return known.real;
    begun[purpose] = (begun[purpose] ?? 0) + 1;
    const every = purpose === 'standup' ? STANDUP_SAMPLE_EVERY : SAMPLE_EVERY;
    const real = begun[purpose] % every === 5 || (purpose === 'plan' && limitMs !== undefined);
    conversations.set(conversation, { real });
    return real;
  };

  const bill = (run: string): Bill => {
    const tokens = {
      input: random.between(100, 4_000),
      output: random.between(50, 900),
      cacheRead: random.between(0, 30_000),
      cacheWrite: random.between(0, 5_000),
    };
    const made = { costUsd: random.between(12, 480) / 10_000, tokens };
    bills.set(run, made);
    return made;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://model');
    const [run = '', conversation = '', model = ''] = ['run', 'conversation', 'model'].map(
      (name) => searchParams.get(name) ?? '',
    );
    const [schema = '', ...prompt] = (await text(request)).split('\n');
    const purpose = purposeOf(schema);
    if (isReal(purpose, conversation)) {
      sampled[purpose] = (sampled[purpose] ?? 0) + 1;
      return void response.end('real');
    }
    const said = speak(pathname.slice(1), schema, conversation, prompt.join('\n'));
    const result = { type: 'result', session_id: conversation, num_turns: 1, permission_denials: [] };
    if ('fault' in said) {
      const failed = { ...result, subtype: 'success', is_error: true, api_error_status: said.fault, modelUsage: {} };
      const words = { terminal_reason: 'api_error', result: `API Error: ${said.fault}` };
      if (said.fault === 'crash') return void response.end('echo gone >&2; exit 3\n');
      bills.set(run, { costUsd: 0, tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } });
      return void response.end(`${saying({ ...failed, ...words })}\nexit 1\n`);
    }
    const { costUsd, tokens } = bill(run);
    const { input: inputTokens, output: outputTokens } = tokens;
    const cached = { cacheReadInputTokens: tokens.cacheRead, cacheCreationInputTokens: tokens.cacheWrite };
    const good = {
      ...{ ...result, subtype: 'success', is_error: false, stop_reason: 'end_turn', terminal_reason: 'completed' },
      ...{ result: 'Done.', modelUsage: { [model]: { inputTokens, outputTokens, ...cached, costUSD: costUsd } } },
      ...('answer' in said ? { structured_output: said.answer } : {}),
    };
    response.end(`${'shell' in said ? `${said.shell}\n` : ''}${saying(good)}\n`);
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ bills, sampled, facts },
    storm: (runs) => {
      stormy += runs;
    },
    limitUntil: (resetsAtMs) => {
      limitMs = resetsAtMs;
    },
    scenario: {
      steps: [
        ({ key, conversation = '', wantsAnswer, prompt, body }): Reply | Fault => {
          const talk = conversations.get(conversation) ?? { real: true };
          conversations.set(conversation, talk);
          const schema = wantsAnswer ? schemaIn(body) : '';
          if (limitMs !== undefined && purposeOf(schema) === 'plan') {
            const limit = { status: 'rejected' as const, resetsAt: Math.ceil(limitMs / 1000) };
            limitMs = undefined;
            return { limit };
          }
          if (!wantsAnswer && talk.done) return { blocks: ['It adds now.'] };
          const said = speak(key, schema, conversation, prompt);
          if ('fault' in said) return { http: said.fault === 'crash' ? 500 : said.fault };
          if ('answer' in said) return { blocks: [{ answer: said.answer }] };
          talk.done = true;
          return { blocks: [{ tool: 'Bash', input: { command: said.shell, description: 'Do it' } }] };
        },
      ],
      after: 'repeat-last',
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};

const saying = (line: object): string => `printf '%s\\n' '${JSON.stringify(line).replaceAll("'", `'\\''`)}'`;

/** As the tool tells it by which Claude Code has a schema answered. */
const schemaIn = (body: Record<string, unknown>): string => {
  const tools = (body.tools ?? []) as { name?: string; input_schema?: object }[];
  return JSON.stringify(tools.find(({ name }) => name === 'StructuredOutput')?.input_schema ?? {});
};

const planOf = (title: string, files: string[], nothing?: true): object => ({
  ...{ title, why: 'it subtracts', kind: 'fix', files, expects: 'its test passes' },
  ...(nothing ? { nothing } : {}),
});

const reviewOf = (decision: (typeof DECISIONS)[number]): object => ({
  ...{ decision, reasons: ['It is about one module.'], risk: 'low', comments: [] },
});

const wordOf = (name: string | undefined): object => ({
  ...{ did: ['one module'], stuck: [], needs: [], offers: [], sharedErrors: [], fileWarnings: [], proposal: '' },
  commitment:
    name === undefined
      ? { title: '', text: '', files: [] }
      : { title: `Add in ${name}`, text: `${name} subtracts; its test fails.`, files: [`${name}.js`] },
});

const BURN = {
  group: 1,
  name: 'burn-rate',
  description: 'What the day has cost.',
  phrases: ['what did we burn', 'what did we burn today', 'did we burn a lot'],
  action: 'cost',
};

const shuffled = <T>(from: readonly T[], random: Random): T[] =>
  from
    .map((each) => ({ each, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each);
