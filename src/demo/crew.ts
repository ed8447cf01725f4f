import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Factory } from '../desk/doors.ts';
import type { EntryOf, Trigger } from '../model/entry.ts';
import type { Task } from '../model/task.ts';
import { createDoctor } from '../roles/doctor.ts';
import { runCycle } from '../roles/session.ts';
import { createStandup } from '../roles/standup.ts';
import { alphaAgain, CHAIR, DOCTOR, GAMMA_AGAIN, SKILL, SPEAKERS, standupOf } from './crew-scenarios.ts';
import type { MessagesApi } from './messages-api.ts';
import type { ModelRequest } from './scenario.ts';

/** The third part of the demo: the doctor looks, the sessions meet, and the next cycle works by what came of both. */
export interface CrewShown {
  letter: string;
  minutes: string;
  standup: EntryOf<'team_standup'>;
  doctor: EntryOf<'doctor_analysis'>;
  cycle: EntryOf<'ralph_cycle'>;
}

export const showCrew = async (
  factory: Factory,
  api: MessagesApi,
  signal: AbortSignal,
): Promise<{ shown?: CrewShown /** What is not as it must be. */; wrong: string[] }> => {
  const { shop, sessions, facts, journal, log: tell, paths } = factory;
  api.play('gamma', GAMMA_AGAIN);
  await cycleOf(factory, 'gamma', 'demo', signal);

  api.play('doctor', DOCTOR);
  const doctor = createDoctor({ shop, sessions, facts, signal, tell });
  const round = await doctor.tick('demo');
  if (round.state !== 'held') return { wrong: [`no doctor’s round: ${round.reason}`] };

  for (const name of SPEAKERS) api.play(name, standupOf(name));
  api.play('chair', CHAIR);
  const standup = createStandup({ shop, sessions, facts, signal, tell });
  const meeting = await standup.tick('demo', { only: new Set(SPEAKERS) });
  if (meeting.state !== 'held') return { wrong: [`no standup: ${meeting.reason}`] };

  const given: ModelRequest[] = [];
  api.play('alpha', alphaAgain(given));
  const task = Object.values(journal.state().tasks).find((t) => t.origin === 'standup' && t.session === 'alpha');
  const cycle = await cycleOf(factory, 'alpha', 'task', signal, task);
  if (!cycle) return { wrong: ['alpha had no second cycle'] };
  const page = (file: string) => readFileSync(join(paths.home, file), 'utf8');
  const shown = {
    ...{ cycle, standup: meeting.entry, doctor: round.entry },
    letter: page(round.entry.data.file),
    minutes: page(meeting.entry.data.file),
  };
  return { shown, wrong: whatIsWrong(shown, task, given) };
};

const cycleOf = async (
  { shop, sessions }: Factory,
  name: string,
  trigger: Trigger,
  signal: AbortSignal,
  task?: Task,
): Promise<EntryOf<'ralph_cycle'> | undefined> => {
  const session = sessions().find((s) => s.name === name);
  if (!session) return undefined;
  const ended = await runCycle(shop, { session, trigger, signal, ...(task ? { task } : {}) });
  return ended.ok ? ended.value : undefined;
};

/** Looked up in what was journalled and in what the model was really sent. */
const whatIsWrong = (
  { standup, doctor, cycle }: CrewShown,
  task: Task | undefined,
  given: readonly ModelRequest[],
): string[] => {
  const wrong: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) wrong.push(what);
  };
  const { runs, sessions } = standup.data;
  must(runs === 3 * SPEAKERS.length + 1, `the standup took ${runs} runs, not ${3 * SPEAKERS.length + 1}`);
  must(
    sessions.every(({ present, commitment }) => present && commitment !== undefined),
    'somebody was absent',
  );
  const gamma = doctor.data.sessions.find(({ session }) => session === 'gamma');
  must(gamma?.class === 'error-looping' && gamma.effect === 'parked', `gamma is ${gamma?.class} and ${gamma?.effect}`);
  must(doctor.data.skills.includes(SKILL), `the doctor wrote no skill ${SKILL}`);
  const { data } = cycle;
  must(task !== undefined && data.task === task.id, 'the cycle of alpha did not work on its commitment');
  must(data.outcome === 'pushed', `the cycle of alpha: ${data.outcome}: ${data.reason}`);
  must(data.skills.includes(SKILL), `the cycle of alpha did not have the skill ${SKILL}`);
  const [first] = given;
  must(first?.prompt.includes(task?.text.slice(0, 40) ?? '?') ?? false, 'the model was not told of the commitment');
  const loaded = given.flatMap(({ toolResults }) => toolResults.map(({ text }) => text)).join('\n');
  must(loaded.includes(SKILL), `Claude Code did not load the skill: ${loaded.slice(0, 200)}`);
  return wrong;
};
