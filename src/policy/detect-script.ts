/**
 * What a script of package.json runs. Scripts are shell, and only their plain form is understood: commands joined by
 * `&&`, with variables and the usual wrappers in front. Anything else is left to the package manager as a whole.
 */
export interface Invocation {
  /** Commands of the script that come first and that the tool needs, such as a build. */
  before: string[];
  /** NAME=value, in front of the command. */
  env: string[];
  /** The tool as called: its name, or `node path/to/it`. */
  tool: string[];
  /** As written, quotes included. */
  args: string[];
}

export type Scripts = Readonly<Record<string, string>>;

/** How a script calls one of the tools, through other scripts if need be; undefined when it does not, or not plainly. */
export const findInvocation = (
  scripts: Scripts,
  script: string,
  isTool: (words: string[]) => number,
  depth = 0,
): Invocation | undefined => {
  const text = scripts[script];
  const commands = text === undefined ? undefined : commandsOf(text);
  if (commands === undefined || depth > SCRIPT_DEPTH_MAX) return undefined;
  const prelude = scripts[`pre${script}`];
  const needed = (command: string[]) => isNeeded(scripts, command, depth);
  const before = prelude === undefined ? [] : (commandsOf(prelude) ?? []).filter(needed).map(joined);
  for (const words of commands) {
    const found = unwrap(words, isTool) ?? follow(scripts, words, isTool, depth);
    if (found !== undefined) return { ...found, before: [...before, ...found.before] };
    if (needed(words)) before.push(joined(words));
  }
  return undefined;
};

/** Scripts that call scripts that call scripts: nobody nests deeper, and a circle must end. */
const SCRIPT_DEPTH_MAX = 4;

/** The commands of `a && b`, each as its words; undefined when the script uses more of the shell than that. */
const commandsOf = (script: string): string[][] | undefined => {
  const words = script.match(/(?:"[^"]*"|'[^']*'|\\.|&&|[^\s"'\\&|;<>`]|&(?!&)|[|;<>`])+/g) ?? [];
  const commands: string[][] = [[]];
  for (const word of words) {
    if (word === '&&') commands.push([]);
    else if (/[|;<>`&]|\$\(/.test(word.replace(/"[^"]*"|'[^']*'|\\./g, ''))) return undefined;
    else commands.at(-1)!.push(word);
  }
  return commands.filter((command) => command.length > 0);
};

const joined = (words: string[]): string => words.join(' ');

export const unquote = (word: string): string => word.replace(/^(["'])(.*)\1$/, '$2');

/** Removes what merely stands around a tool: variables, npx, coverage. */
const unwrap = (words: string[], isTool: (words: string[]) => number): Invocation | undefined => {
  const env: string[] = [];
  let rest = words;
  while (rest.length > 0) {
    const toolWords = isTool(rest.map(unquote));
    if (toolWords > 0) return { before: [], env, tool: rest.slice(0, toolWords), args: rest.slice(toolWords) };
    const first = rest[0]!;
    if (/^[A-Za-z_]\w*=/.test(first)) {
      env.push(first);
      rest = rest.slice(1);
    } else if (/^(cross-env|cross-env-shell|env|npx|bunx)$/.test(first)) rest = afterFlags(rest.slice(1), isTool);
    else if (/^(c8|nyc)$/.test(first)) rest = afterFlags(rest.slice(1), isTool);
    else if (/^(pnpm|yarn)$/.test(first) && rest.length > 1) rest = rest.slice(rest[1] === 'exec' ? 2 : 1);
    else return undefined;
  }
  return undefined;
};

/** Skips the flags of a wrapper, and a flag's value when what stands there is plainly not the tool. */
const afterFlags = (words: string[], isTool: (words: string[]) => number): string[] => {
  let rest = words;
  while (rest.length > 0 && rest[0]!.startsWith('-')) {
    const value = rest[1];
    const skipValue =
      value !== undefined &&
      !rest[0]!.includes('=') &&
      !value.startsWith('-') &&
      value !== 'node' &&
      isTool(rest.slice(1).map(unquote)) === 0 &&
      rest.length > 2;
    rest = rest.slice(skipValue ? 2 : 1);
  }
  return rest;
};

/** `npm run unit`, `pnpm unit`, `yarn unit`: what that script runs. */
const follow = (
  scripts: Scripts,
  words: string[],
  isTool: (words: string[]) => number,
  depth: number,
): Invocation | undefined => {
  const named = calledScript(words);
  return named === undefined ? undefined : findInvocation(scripts, named, isTool, depth + 1);
};

const calledScript = (words: string[]): string | undefined => {
  const [manager, verb, name] = words;
  if (manager === undefined || !/^(npm|pnpm|yarn|bun)$/.test(manager)) return undefined;
  if (verb === 'run' || verb === 'run-script') return name;
  return manager === 'npm' && verb !== 'test' ? undefined : verb;
};

/** True when the command, or the script that it calls, is the TypeScript compiler and nothing else. */
export const onlyCompiles = (scripts: Scripts, text: string, depth = 0): boolean => {
  const commands = commandsOf(text);
  if (commands === undefined || depth > SCRIPT_DEPTH_MAX) return false;
  return commands.every((command) => {
    const script = scripts[calledScript(command) ?? ''];
    return script === undefined ? /^(npx )?tsc\b/.test(joined(command)) : onlyCompiles(scripts, script, depth + 1);
  });
};

/** False for commands that judge the code by themselves: they have checks of their own, or none. */
const isNeeded = (scripts: Scripts, words: string[], depth: number): boolean => {
  const program = words.find((word) => !/^([A-Za-z_]\w*=|cross-env$|npx$)/.test(word)) ?? '';
  if (
    /^(eslint|prettier|biome|oxlint|oxfmt|xo|standard|tslint|stylelint|attw|publint|size-limit|knip|flow)$/.test(
      program,
    )
  ) {
    return false;
  }
  if (/^(tsc|vue-tsc|tsd)$/.test(program)) return program === 'tsc' && !words.includes('--noEmit');
  const called = calledScript(words);
  if (called === undefined) return true;
  if (/\b(lint|format|prettier|type-?check|types|tsc|size|spell)/i.test(called)) return false;
  const text = scripts[called];
  const commands = text === undefined || depth >= SCRIPT_DEPTH_MAX ? undefined : commandsOf(text);
  return commands?.some((command) => isNeeded(scripts, command, depth + 1)) ?? true;
};
