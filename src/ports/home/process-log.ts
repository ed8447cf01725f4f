import { mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';

/**
 * The log of all processes of a home, logs/winnow.log. It is put aside by whoever finds it too large at its next line
 * (winnow.log.1 is the newest of those), and everybody else notices that the file is another one: no process that runs
 * for weeks goes on writing into what was put aside.
 */
export interface ProcessLog {
  info(line: string): void;
}

export interface ProcessLogDeps {
  file: string;
  /** Asked at every line, since the configuration may change. */
  limits: () => { maxBytes: number; files: number };
}

export const createProcessLog = ({ file, limits }: ProcessLogDeps): ProcessLog => {
  mkdirSync(dirname(file), { recursive: true });
  // Synchronous: what was logged before a crash is in the file.
  const destination = pino.destination({ dest: file, sync: true, mkdir: true });
  // A line of the log is worth less than the work: on a full disk it is lost, and the journal says why work waits.
  destination.on('error', () => {});
  const log = pino({ base: { pid: process.pid } }, destination);
  let own = identityOf(file);
  return {
    info: (line) => {
      try {
        const { maxBytes, files } = limits();
        const there = statSync(file, { throwIfNoEntry: false });
        if (there && there.size >= maxBytes) putAside(file, files);
        if (identityOf(file) !== own) {
          destination.reopen();
          own = identityOf(file);
        }
      } catch {
        // A directory that may not be written: the line goes where the lines before it went.
      }
      log.info(line);
    },
  };
};

const identityOf = (file: string): string | undefined => {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
};

const putAside = (file: string, files: number): void => {
  for (let n = files - 1; n >= 1; n -= 1) {
    if (statSync(`${file}.${n}`, { throwIfNoEntry: false })) renameSync(`${file}.${n}`, `${file}.${n + 1}`);
  }
  renameSync(file, `${file}.1`);
};
