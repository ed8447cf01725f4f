import { existsSync } from 'node:fs';
import { SECRET_MIN_CHARS } from '../../policy/withhold.ts';

/** What a secret looks like, so that none is written down plainly and all of them are withheld from output. */

const NAMES = /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|(API|ACCESS|PRIVATE)_?KEY|_(KEY|PAT|DSN)$/i;

export const isSecretName = (name: string): boolean => NAMES.test(name);

/** The forms in which well-known services give out keys, and a URL that carries a password. */
const FORMS = [
  /\bsk-[A-Za-z0-9_-]{20,}/,
  /\b(ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{30,}/,
  /\bgithub_pat_[A-Za-z0-9_]{30,}/,
  /\bglpat-[A-Za-z0-9_-]{20,}/,
  /\bnpm_[A-Za-z0-9]{30,}/,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/,
  /\bAKIA[A-Z0-9]{16}\b/,
  /\bAIza[A-Za-z0-9_-]{30,}/,
  /\b\d{8,12}:[A-Za-z0-9_-]{35}\b/,
  /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\./,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i,
];

export const looksSecret = (value: string): boolean => FORMS.some((form) => form.test(value));

/** Values of variables whose names or forms say that they are secret; paths to files with secrets are none. */
export const secretsOf = (env: Record<string, string | undefined>): string[] =>
  Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined || value.length < SECRET_MIN_CHARS) return [];
    if (!isSecretName(name) && !looksSecret(value)) return [];
    return value.startsWith('/') && existsSync(value) ? [] : [value];
  });
