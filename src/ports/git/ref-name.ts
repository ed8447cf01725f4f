/** What git allows in the name of a branch: nothing that a refspec, a revision or an option could be made of. */
export const isBranchName = (name: string): boolean =>
  name !== '' &&
  name !== '@' &&
  Buffer.byteLength(name) <= NAME_MAX_BYTES &&
  !name.startsWith('-') &&
  !FORBIDDEN.test(name);

/** A loose ref is a file; its path has to end somewhere. */
const NAME_MAX_BYTES = 1_000;
const FORBIDDEN = /[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|\.lock(?:\/|$)|(?:^|\/)\./;
