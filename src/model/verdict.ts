import { z } from 'zod';

export const Verdict = z.enum(['better', 'same', 'worse', 'unevaluated']);
export type Verdict = z.infer<typeof Verdict>;

/** How two reports differ, by identity. Each entry is `<check>: <identity>`. */
export const Comparison = z.object({
  verdict: Verdict,
  /** One sentence that names the deciding figures. */
  reason: z.string(),
  fixed: z.array(z.string()),
  broken: z.array(z.string()),
  /** Tests of the baseline that are not in the result: they count as failed. */
  vanished: z.array(z.string()),
  /** Tests that ran in the baseline and are skipped in the result: they count as failed. */
  skipped: z.array(z.string()),
  /** New tests that pass. */
  added: z.array(z.string()),
  /** Tests that failed and pass now that the change edited their own file: no proof of anything. */
  unproven: z.array(z.string()).optional(),
});
export type Comparison = z.infer<typeof Comparison>;

/** Something in a diff that weakens the evaluator, or must not leave the machine. */
export const FINDING_KINDS = [
  'protected-path', // matches `protect`: always refused
  'secret', // holds a value that is secret on this machine: always refused
  'check-config', // edits what configures the checks, or the scripts that run them
  'test-deleted',
  'test-skipped',
  'assertion-weakened',
  'assertion-changed', // an assertion of an existing test claims something else than before
  'type-suppression', // @ts-ignore, @ts-nocheck, @ts-expect-error, as any
  'lint-suppression',
  'submodule', // a nested repository or gitlink
  'symlink-outside', // a symbolic link that leaves the tree
] as const;
export const FindingKind = z.enum(FINDING_KINDS);
export type FindingKind = z.infer<typeof FindingKind>;

export const Finding = z.object({
  kind: FindingKind,
  action: z.enum(['refuse', 'report']),
  file: z.string(),
  line: z.number().int().optional(),
  /** The offending text, cut to one line. */
  evidence: z.string(),
});
export type Finding = z.infer<typeof Finding>;
