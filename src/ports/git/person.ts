import { userInfo } from 'node:os';
import { execa } from 'execa';

/** Who sits at the keyboard, in the words by which their commits are known: the name of git, else that of the login. */
export const personName = async (env: Readonly<Record<string, string | undefined>> = process.env): Promise<string> => {
  const asked = await execa('git', ['config', '--get', 'user.name'], { reject: false, timeout: ASK_TIMEOUT_MS });
  const name = typeof asked.stdout === 'string' ? asked.stdout.trim() : '';
  return (name || env.USER || loginName()).slice(0, NAME_MAX_CHARS);
};

const ASK_TIMEOUT_MS = 5_000;
const NAME_MAX_CHARS = 100;

/** In a container the user may have a number and no name. */
const loginName = (): string => {
  try {
    return userInfo().username;
  } catch {
    return 'somebody';
  }
};
