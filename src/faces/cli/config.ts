import type { Doors } from '../../desk/doors.ts';
import { configSchema } from '../../desk/names.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';

/** `winnow config …`. */
export const configSchemaCommand = (terminal: Terminal): number => {
  terminal.out(JSON.stringify(configSchema(), null, 2));
  return 0;
};

export const configCheckCommand = async (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { json?: boolean },
): Promise<number> => {
  const opened = await doors.openCounter(options.home);
  if (!opened.ok) {
    if (!options.json) return sayCannotOpen(terminal, opened.error);
    sayJson(
      terminal,
      'problems' in opened.error ? { ok: false, problems: opened.error.problems } : { ok: false, ...opened.error },
    );
    return 1;
  }
  const { config, sessions, paths, close } = opened.value;
  const projects = config().projects;
  await close();
  if (options.json)
    sayJson(terminal, { ok: true, projects: projects.map((p) => p.name), sessions: sessions().map((s) => s.name) });
  else terminal.out(`${paths.config} is right: ${projects.length} project(s), ${sessions().length} session(s)`);
  return 0;
};
