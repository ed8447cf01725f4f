import { execa } from 'execa';
import type { ListedHost } from '../../policy/hosts.ts';
import { type PackageManager, registriesSaid } from '../../policy/registries.ts';

/**
 * Where package managers fetch from by themselves, as the programs that are installed here say: nobody's address stands
 * in this code, and a machine that is set up for a mirror of its own is understood.
 *
 * @param dir where they are asked: settings that lie there and above count, so never a tree that a session wrote
 */
export const usualRegistries = async (
  managers: readonly PackageManager[],
  { dir, env }: { dir: string; env: Readonly<Record<string, string>> },
): Promise<ListedHost[]> => {
  const answers = managers.map(async (manager) => {
    const [program, ...args] = QUESTIONS[manager];
    const { stdout, exitCode } = await execa(program, args, {
      ...{ cwd: dir, env, extendEnv: false, stdin: 'ignore' },
      ...{ reject: false, timeout: ANSWER_MAX_MS, maxBuffer: ANSWER_MAX_BYTES },
    });
    // What is not installed fetches nothing.
    return exitCode === 0 ? registriesSaid(stdout) : [];
  });
  return (await Promise.all(answers)).flat();
};

const QUESTIONS: Record<PackageManager, readonly [string, ...string[]]> = {
  npm: ['npm', 'config', 'get', 'registry'],
  yarn: ['yarn', 'config', 'get', 'registry'],
  pip: [
    'python3',
    '-c',
    'from pip._internal.models.index import PyPI; print(PyPI.simple_url, "https://" + PyPI.file_storage_domain)',
  ],
  go: ['go', 'env', 'GOPROXY', 'GOSUMDB'],
  gem: ['gem', 'sources'],
};

/** npm takes half a second on an idle machine. */
const ANSWER_MAX_MS = 20_000;
const ANSWER_MAX_BYTES = 64 * 1024;
