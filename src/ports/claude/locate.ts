/** Where Claude Code is: the configured command, else the copy that was installed with Winnow. */
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { execa } from 'execa';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import type { Claude } from './claude.ts';

/** It answers in a third of a second; a machine under full load takes some ten times that. */
const VERSION_TIMEOUT_MS = 30_000;

export const locate = async (command: string, fallbackPath: string | undefined): Promise<Result<string, Failure>> => {
  // A path says which one: another in its place would be a surprise that is found out on the bill.
  const isPath = command.includes('/');
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute);
  const places = isPath
    ? [resolve(command)]
    : [...onPath.map((dir) => join(dir, command)), ...(fallbackPath === undefined ? [] : [fallbackPath])];
  for (const place of places) {
    if (await isExecutable(place)) return ok(place);
  }
  const where = isPath ? '' : ' on PATH';
  return failed('claude-missing', `Claude Code was not found: there is no "${command}"${where}.`);
};

export const probe = async (command: string, fallbackPath: string | undefined): ReturnType<Claude['probe']> => {
  const found = await locate(command, fallbackPath);
  if (!found.ok) return found;
  const path = found.value;
  const {
    stdout,
    stderr,
    exitCode,
    failed: bad,
    shortMessage,
  } = await execa(path, ['--version'], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: VERSION_TIMEOUT_MS,
    forceKillAfterDelay: 1000,
    maxBuffer: 64 * 1024,
  });
  const version = /\d+\.\d+\.\d+[\w.+-]*/.exec(stdout ?? '')?.[0];
  if (!bad && exitCode === 0 && version !== undefined) return { ok: true, path, version };
  const said = bad ? shortMessage : 'it does not tell a version';
  return failed(
    'claude-missing',
    `${path} is no working Claude Code: ${said}.`,
    `${stdout ?? ''}\n${stderr ?? ''}`.trim(),
  );
};

const isExecutable = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
};
