import { createDesk } from '../../desk/desk.ts';
import type { Doors } from '../../desk/doors.ts';
import { problemsOf } from '../../desk/up.ts';
import { startHttp } from '../http/http.ts';
import { listeningText } from '../http/words.ts';
import { plain } from './plain.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayFailure } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';

/** `winnow http`: the HTTP interface in a process of its own; it answers whether the factory runs or not. */
export const httpCommand = async (doors: Doors, terminal: Terminal, options: Homed): Promise<number> => {
  const opened = await doors.openFactory(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const factory = opened.value;
  // SIGHUP reads the configuration again, as it does in the factory.
  const stop = stopSignal(['SIGINT', 'SIGTERM']);
  const tell = (line: string) => {
    terminal.note(plain(line));
    factory.log(line);
  };
  const reload = async (): Promise<void> => {
    const read = await factory.reload();
    if (!read.ok) tell(`configuration refused, the last good one stays in force: ${problemsOf(read.error).join('; ')}`);
  };
  const onReload = () => void reload();
  process.on('SIGHUP', onReload);
  factory.watch(onReload, stop.signal);
  try {
    const started = await startHttp({
      desk: createDesk(factory),
      config: factory.config,
      home: factory.paths.home,
      socket: factory.paths.socket,
      version: doors.version,
      redact: factory.shop.redact,
      tell,
      signal: stop.signal,
    });
    if (!started.ok) return sayFailure(terminal, started.error);
    terminal.out(`${listeningText(started.value.addresses)}; stop it with Ctrl-C`);
    await started.value.closed;
    return 0;
  } finally {
    process.off('SIGHUP', onReload);
    stop.end();
    await factory.close();
  }
};
