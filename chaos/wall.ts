import { execa } from 'execa';

/** Why bubblewrap cannot be had on this machine; undefined: it can. */
export const wallMissing = async (): Promise<string | undefined> => {
  const tried = await execa('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true'], { reject: false });
  if (tried.exitCode === 0) return undefined;
  return tried.code === 'ENOENT' ? 'bubblewrap is not installed' : 'bubblewrap builds no wall here';
};
