import { ok, type Result } from '../base/result.ts';
import type { EntryData } from '../model/entry.ts';
import { type Failure, failed } from '../model/failure.ts';
import { ensureDependencies, leaseCheckout, type MeasureInput } from './measure.ts';
import type { Workshop } from './workshop.ts';

/**
 * The owner's command after a landing: a smoke test of what was deployed, a query to the monitoring. It runs in a clean
 * checkout of what landed and says yes by exit 0; it is never looked up in the cache, since it asks about the world.
 */
export const verifyLanded = async (
  shop: Workshop,
  input: Omit<MeasureInput, 'tree'>,
  landing: { commit: string; tree: string },
): Promise<Result<EntryData<'landing_verified'>, Failure>> => {
  const { project, mirror, signal } = input;
  const { verify: command, verifyTimeout: timeoutMs } = project.merge;
  if (command === undefined) return failed('not-found', `${project.name} has no command that verifies landings`);
  const installed = await ensureDependencies(shop, input, landing.commit);
  if (!installed.ok) return installed;
  const place = await leaseCheckout(shop, project.name, 'train');
  try {
    const { dir } = place;
    const exclude = await shop.dependencies.excluded(installed.value.key);
    const ready = await shop.workspaces.checkout({ mirror, tree: landing.tree, dir, exclude });
    if (!ready.ok) return ready;
    const linked = await shop.dependencies.link(installed.value.key, dir);
    if (!linked.ok) return linked;
    const startedMs = shop.clock.monotonic();
    const result = await shop.commands.run({
      command,
      cwd: dir,
      env: {
        ...shop.environments.forChecks({ dir, project: project.name, extra: project.env }),
        WINNOW_LANDED: landing.commit,
      },
      timeoutMs,
      outputMaxBytes: OUTPUT_MAX_BYTES,
      marker: `${input.marker}-${shop.ids(shop.clock.now())}`,
      signal,
    });
    // A stop of Winnow is no word about the landing: it is asked again.
    if (signal.aborted) return failed('interrupted', 'stopped while a landing was verified');
    const isGood = result.exitCode === 0 && !result.timedOut;
    const said = lastLines(`${result.stdout}\n${result.stderr}`);
    return ok({
      main: landing.commit,
      ok: isGood,
      exitCode: result.exitCode ?? null,
      message: shop.redact(result.timedOut ? `no answer within ${Math.round(timeoutMs / 1000)} s; ${said}` : said),
      durationMs: Math.round(shop.clock.monotonic() - startedMs),
    });
  } finally {
    place.release();
  }
};

/** A smoke test that prints more has said what it has to say at its end. */
const OUTPUT_MAX_BYTES = 8 * 1024 ** 2;

const lastLines = (text: string): string => text.trim().split('\n').slice(-5).join(' | ').slice(-600);
