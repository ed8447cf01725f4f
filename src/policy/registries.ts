import { hostOfUrl, type ListedHost } from './hosts.ts';

/**
 * Where an installation fetches from: what package managers do by themselves, what the project's files say, what the
 * environment says. The files are those of the branch that people answer for, never those of a session: what a session
 * writes must not open the wall.
 */
interface Sign {
  file: RegExp;
  /** Whose it is: they are asked where they fetch from unless they are told otherwise. */
  of: readonly PackageManager[];
  /** Places that name where a package comes from; the first group is a URL. */
  url?: RegExp;
}

/** Those that can be asked; of the others (cargo, composer) only files and configuration tell. */
export const PACKAGE_MANAGERS = ['npm', 'yarn', 'pip', 'go', 'gem'] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

const SIGNS: readonly Sign[] = [
  {
    file: /^(package-lock|npm-shrinkwrap)\.json$/,
    of: ['npm'],
    url: /"resolved": *"((?:git\+)?https?:\/\/[^"]+)"/g,
  },
  { file: /^pnpm-lock\.yaml$/, of: ['npm'], url: /\btarball: *'?(https?:\/\/[^\s,'}]+)/g },
  { file: /^yarn\.lock$/, of: ['npm', 'yarn'], url: /^ +resolved "(https?:\/\/[^"]+)"/gm },
  { file: /^bun\.lockb?$/, of: ['npm'], url: /"(https?:\/\/[^"\s]+\.tgz)"/g },
  { file: /^package\.json$/, of: ['npm'] },
  {
    file: /^(\.npmrc|\.yarnrc|\.yarnrc\.yml|bunfig\.toml)$/,
    of: ['npm'],
    url: /registry\w*["']?\s*[=: ]\s*["']?(https?:\/\/[^\s"']+)/gi,
  },
  {
    file: /^(poetry|uv|pdm)\.lock$|^Pipfile(\.lock)?$/,
    of: ['pip'],
    url: /\burl"?\s*[=:]\s*"(https?:\/\/[^"]+)"/g,
  },
  {
    file: /^requirements[\w.-]*\.txt$|^pip\.conf$/,
    of: ['pip'],
    url: /(?:index-url|find-links)[ =]+(https?:\/\/\S+)/g,
  },
  { file: /^(pyproject\.toml|setup\.py|setup\.cfg)$/, of: ['pip'] },
  { file: /^go\.(mod|sum)$/, of: ['go'] },
  { file: /^Gemfile\.lock$/, of: ['gem'], url: /^ *remote: *(https?:\/\/\S+)/gm },
  { file: /^composer\.lock$/, of: [], url: /"url": *"(https?:\/\/[^"]+)"/g },
];

/** Whether a path is one of those that say where things come from. */
export const tellsRegistries = (path: string): boolean => signOf(path) !== undefined;

const signOf = (path: string): Sign | undefined => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return path.includes('node_modules/') ? undefined : SIGNS.find(({ file }) => file.test(name));
};

/** What the files of a branch say; nothing of it may lie on this machine or in a private network. */
export const registriesIn = (files: readonly { path: string; text: string }[]): ListedHost[] =>
  distinct(
    files.flatMap(({ path, text }) => {
      const url = signOf(path)?.url;
      return url ? [...text.matchAll(url)].flatMap((match) => hostOfUrl(match[1] as string, false) ?? []) : [];
    }),
  );

/** Whose files these are. */
export const managersOf = (paths: readonly string[]): PackageManager[] => [
  ...new Set(paths.flatMap((path) => signOf(path)?.of ?? [])),
];

/** What a package manager answers to where it fetches from: URLs, and bare names between them as of GOSUMDB. */
export const registriesSaid = (answer: string): ListedHost[] =>
  distinct(
    answer
      .split(/[\s,|]+/)
      .filter((word) => /^https?:\/\/|^[\w-]+(\.[\w-]+)+$/.test(word))
      .flatMap((word) => hostOfUrl(word.includes('://') ? word : `https://${word}`, true) ?? []),
  );

/** What the environment of an installation says: the owner's own words. */
export const registriesOf = (env: Readonly<Record<string, string>>): ListedHost[] =>
  distinct(
    Object.entries(env).flatMap(([name, value]) =>
      REGISTRY_VARIABLE.test(name) ? value.split(/[\s,|]+/).flatMap((url) => hostOfUrl(url, true) ?? []) : [],
    ),
  );

/** npm_config_registry, YARN_NPM_REGISTRY_SERVER, PIP_INDEX_URL, UV_EXTRA_INDEX_URL, GOPROXY, CARGO_REGISTRIES_X_INDEX. */
const REGISTRY_VARIABLE = /registry|registries|index|^goproxy$/i;

const distinct = (hosts: readonly ListedHost[]): ListedHost[] => [
  ...new Map(hosts.map((host) => [JSON.stringify([host.name, host.port, host.near]), host])).values(),
];
