import { ok, type Result } from '../base/result.ts';
import type { ProjectConfig } from '../model/config.ts';
import type { Failure } from '../model/failure.ts';
import type { Finding } from '../model/verdict.ts';
import { DEFAULT_CHECK_CONFIG, findTampering } from '../policy/tamper.ts';
import type { Diff, Mirror } from '../ports/git/mirror.ts';
import type { Workshop } from './workshop.ts';

/** What in a change weakens the evaluator or must not leave the machine; the same for a cycle and for a review. */
export interface Change {
  mirror: Mirror;
  project: ProjectConfig;
  /** Commits or trees. */
  from: string;
  to: string;
  diff: Diff;
  /** What a push has published or would publish. */
  commits: { from: string; to: string };
}

/** The patch that is searched for tampering and shown to the model; what is longer is judged by its files alone. */
export const PATCH_MAX_BYTES = 4 * 1024 ** 2;
/** Of all commits of a session together; more than anybody reviews. */
const HISTORY_MAX_BYTES = 64 * 1024 ** 2;

export const searchFindings = async (shop: Workshop, change: Change): Promise<Result<Finding[], Failure>> => {
  const { mirror, project, from, to, diff } = change;
  const patch = await mirror.patch(from, to, PATCH_MAX_BYTES);
  if (!patch.ok) return patch;
  const touchesManifest = diff.files.some((file) => file.path === 'package.json');
  const links = diff.files.filter((file) => file.newMode === '120000' && file.status !== 'deleted');
  const symlinks = await Promise.all(
    links.map(async ({ path }) => ({ path, target: (await mirror.readFile(to, path, 4096)) ?? '' })),
  );
  const manifest = async (treeish: string) => (await mirror.readFile(treeish, 'package.json', 1024 ** 2)) ?? '';
  const findings = findTampering({
    diff,
    patch: patch.value.text,
    protect: project.protect,
    checkConfig: DEFAULT_CHECK_CONFIG,
    actions: project.findings,
    ...(touchesManifest ? { scripts: { before: await manifest(from), after: await manifest(to) } } : {}),
    symlinks,
  });
  const leaks = await searchSecrets(shop, change);
  if (!leaks.ok) return leaks;
  return ok([...leaks.value, ...findings.map((finding) => ({ ...finding, evidence: shop.redact(finding.evidence) }))]);
};

/** In any commit that a push would publish: what a later one takes out again is published all the same. */
const searchSecrets = async (shop: Workshop, { mirror, commits }: Change): Promise<Result<Finding[], Failure>> => {
  const history = await mirror.history(commits.from, commits.to, HISTORY_MAX_BYTES);
  if (!history.ok) return history;
  const files = new Set<string>();
  for (const { file, added } of addedIn(history.value.text)) if (shop.redact(added) !== added) files.add(file);
  const evidence = 'holds a value that is secret on this machine';
  return ok([...files].map((name) => ({ kind: 'secret', action: 'refuse', file: shop.redact(name), evidence })));
};

/** What each file and each message gains, as one text: a value may be spread over its lines. What goes is there already. */
const addedIn = (history: string): { file: string; added: string }[] => {
  const found = [{ file: MESSAGE, lines: [] as string[] }];
  let inMessage = true;
  for (const line of history.split('\n')) {
    const isFile = line.startsWith('diff --git ');
    if (isFile) found.push({ file: line.replace(/^diff --git "?a\/(.*?)"? "?b\/.*$/, '$1'), lines: [line] });
    // After a patch, in which no line is empty, comes the next commit.
    else if (line === '' && !inMessage) found.push({ file: MESSAGE, lines: [] });
    inMessage = isFile ? false : inMessage || line === '';
    if (inMessage) found.at(-1)?.lines.push(line);
    else if (!/^(-|@@ )/.test(line)) found.at(-1)?.lines.push(line.replace(/^\+/, ''));
  }
  return found.map(({ file, lines }) => ({ file, added: lines.join('\n') }));
};

const MESSAGE = 'a commit message';
