import fs from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FailureError } from '../../src/model/failure.ts';
import { alert, createWorkbench, type Workbench } from './workbench.ts';

let bench: Workbench;
beforeEach(() => {
  bench = createWorkbench();
  fs.mkdirSync(dirname(bench.file), { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  bench.remove();
});

const kindOf = (error: unknown) => (error instanceof FailureError ? error.failure.kind : error);

describe('a durable append', () => {
  it('is in the file when it is called and on the disk when it resolves', async () => {
    const journal = bench.open();
    const syncs = vi.spyOn(fs, 'fdatasync');
    const promise = journal.appendDurable(alert('a'));
    expect(bench.lines()).toHaveLength(1);
    const entry = await promise;
    expect(syncs).toHaveBeenCalledTimes(1);
    expect(journal.tail(1)).toEqual([{ ...entry }]);
  });

  it('shares its sync with all who wrote before the sync began, and with nobody who wrote later', async () => {
    const journal = bench.open();
    const syncs = vi.spyOn(fs, 'fdatasync');
    const first = Array.from({ length: 64 }, (_, index) => journal.appendDurable(alert(index)));
    await Promise.resolve();
    const begun = syncs.mock.calls.length;
    const later = journal.appendDurable(alert('later'));
    await Promise.all(first);
    await later;
    expect(begun).toBe(1);
    expect(syncs).toHaveBeenCalledTimes(2);
    expect(bench.lines()).toHaveLength(65);
  });

  it('is refused like any other before anything is written', async () => {
    const refused = bench.open({ legal: () => 'never' }).appendDurable(alert('a'));
    expect(kindOf(await refused.catch((error) => error))).toBe('entry-illegal');
    expect(fs.existsSync(bench.file)).toBe(false);
  });

  it('fails for all who share a sync that fails', async () => {
    // Takes every write and can be synced never.
    fs.symlinkSync('/dev/null', bench.file);
    const journal = bench.open();
    const results = await Promise.allSettled([alert('a'), alert('b')].map((entry) => journal.appendDurable(entry)));
    for (const result of results) {
      expect(result.status).toBe('rejected');
      expect(kindOf((result as PromiseRejectedResult).reason)).toBe('journal-write');
    }
  });

  it('reaches the disk also when the file is rotated away or the journal closed meanwhile', async () => {
    const journal = bench.open();
    const before = journal.appendDurable(alert('before'));
    fs.renameSync(bench.file, `${bench.file}.1`);
    const after = journal.appendDurable(alert('after'));
    journal.close();
    await Promise.all([before, after]);
    expect(fs.readFileSync(`${bench.file}.1`, 'utf8')).toContain('before');
    expect(bench.text()).toContain('after');
  });
});

describe('a disk without room', () => {
  it('fails the append with what to do about it, and keeps the cause', () => {
    fs.symlinkSync('/dev/full', bench.file);
    const journal = bench.open({ legal: undefined });
    try {
      journal.append(alert('a'));
      expect.unreachable();
    } catch (error) {
      expect(kindOf(error)).toBe('disk-full');
      expect((error as FailureError).failure.mend).toMatch(/disk space/);
      expect((error as FailureError).cause).toMatchObject({ code: 'ENOSPC' });
    }
  });
});
