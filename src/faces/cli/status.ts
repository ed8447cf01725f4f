import type { SessionView, StatusView } from '../../desk/status.ts';
import { plain } from './plain.ts';
import { fit, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { figuresText, relativeText, usd } from './words.ts';

/** The factory at a glance; pure. What needs a person comes first. */
export const renderStatus = (view: StatusView, { paint, width }: Pick<Terminal, 'paint' | 'width'>): string => {
  const now = Date.parse(view.at);
  const lines: string[] = [];
  const running = view.processes.length > 0;
  const head = running
    ? `running since ${relativeText(view.processes[0]!.since, now)} (pid ${view.processes.map((p) => p.pid).join(', ')})`
    : 'not running: start it with `winnow up`';
  lines.push(`${paint('bold', 'Winnow')} ${view.home}: ${running ? paint('green', head) : paint('yellow', head)}`);
  if (view.paused) lines.push(paint('yellow', plain(`paused ${view.paused}`)));
  for (const gate of view.gates) {
    const until = gate.until ? `, until ${gate.until.slice(0, 16)}Z (${relativeText(gate.until, now)})` : '';
    lines.push(
      paint(
        'yellow',
        fit(`gate ${gate.gate} closed ${relativeText(gate.since, now)}: ${plain(gate.reason)}${until}`, width),
      ),
    );
  }
  for (const project of view.projects) {
    if (project.unready)
      lines.push(paint('red', plain(`${project.name}: ${project.unready.message}. ${project.unready.mend}`)));
  }
  if (view.journal.damaged > 0)
    lines.push(paint('red', `${view.journal.damaged} damaged lines in the journal; nothing else is affected`));
  lines.push('');
  for (const project of view.projects) {
    const tip = project.tip ? ` ${project.tip.slice(0, 10)}` : '';
    const baseline = project.baseline ? `: ${figuresText(project.baseline)}` : ': not measured yet';
    lines.push(fit(`project ${project.name}  ${project.branch}${tip}${baseline}`, width));
  }
  lines.push('');
  lines.push(
    renderTable(
      ['SESSION', 'STATE', 'SINCE', 'DOING', 'LAST', 'KEPT', 'COST'],
      view.sessions.map((session) => row(session, now)),
      width,
    ),
  );
  const { today, tasks } = view;
  const slots = view.slots.filter((slot) => slot.held.length > 0 || slot.waiting.length > 0);
  for (const { name, capacity, held, waiting } of slots) {
    const queue = waiting.length > 0 ? paint('yellow', `, ${waiting.length} waiting: ${waiting.join(', ')}`) : '';
    lines.push(`slot ${name} ${held.length}/${capacity}: ${held.join(', ')}${queue}`);
  }
  const counts = Object.entries(today.counts)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
  lines.push('');
  lines.push(`today ${usd(today.costUsd)} of ${usd(today.budgetUsd)}; ${counts === '' ? 'no cycle yet' : counts}`);
  lines.push(
    `tasks ${tasks.queued} queued, ${tasks.assigned} assigned${tasks.failed > 0 ? paint('yellow', `, ${tasks.failed} wait for you`) : ''}`,
  );
  lines.push(
    `review ${view.waiting.length} waiting${view.waiting.length > 0 ? `: ${view.waiting.map((w) => w.branch).join(', ')}` : ''}`,
  );
  return lines.join('\n');
};

const row = (session: SessionView, now: number): string[] => {
  const kept = session.counts.pushed ?? 0;
  const cycles = Object.values(session.counts).reduce((sum, n) => sum + n, 0);
  const until = session.until ? ` (${relativeText(session.until, now)})` : '';
  return [
    session.name,
    session.phase ?? session.state,
    session.since ? relativeText(session.since, now).replace(' ago', '') : '',
    plain(`${session.doing}${until}`),
    plain(session.last ? `${session.last.outcome}: ${session.last.title ?? session.last.reason}` : 'never ran'),
    `${kept}/${cycles}`,
    usd(session.costUsd),
  ];
};
