/**
 * Who holds a slot and who comes next: the decisions of the slot server, without sockets and without a clock.
 *
 *   want -> waiting -> held -> gone        drop or leave: gone, from wherever it was
 *
 * Nothing is granted before `open`: a new server first hears what is held already, from those that hold it. And nothing
 * is granted before `decide`: what arrives together is put in order first, whoever was read first.
 */
export interface SlotWant {
  /** The connection it came by; what an owner has goes when the owner leaves. */
  owner: number;
  /** Unique within the owner. */
  id: number;
  name: string;
  capacity: number;
  who: string;
  pid: number;
  /** When it was first asked for, in microseconds of the clock that all processes of the machine share. */
  atUs: number;
  /** Milliseconds since the epoch: when it began to wait, or to hold. */
  sinceMs: number;
  /** Decided at once: granted now or never. */
  once: boolean;
}

export interface SlotTable {
  open(): void;
  /** Grants and refuses what can be decided after the changes since the last time. */
  decide(): void;
  want(want: SlotWant): void;
  /** A lease from before this table: it is held, whatever the capacity says. */
  have(want: SlotWant): void;
  drop(owner: number, id: number): void;
  leave(owner: number): void;
  rows(name?: string): SlotRow[];
  /** Leases and waits of one owner. */
  count(owner: number): number;
}

export interface SlotRow {
  name: string;
  capacity: number;
  held: SlotWant[];
  waiting: SlotWant[];
}

export const createSlotTable = ({
  grant,
  refuse,
}: {
  grant: (want: SlotWant) => void;
  refuse: (want: SlotWant) => void;
}): SlotTable => {
  const rows = new Map<string, SlotRow & { capacityAtUs: number }>();
  const changed = new Set<SlotRow>();
  let opened = false;

  const rowFor = ({ name, capacity, atUs }: SlotWant) => {
    let row = rows.get(name);
    if (!row) {
      row = { name, capacity, capacityAtUs: atUs, held: [], waiting: [] };
      rows.set(name, row);
    }
    // The configuration may have changed: the latest request knows best, in whatever order they are told again.
    if (atUs >= row.capacityAtUs) {
      row.capacity = capacity;
      row.capacityAtUs = atUs;
    }
    return row;
  };

  const settle = (row: SlotRow): void => {
    while (row.held.length < row.capacity) {
      const next = row.waiting.shift();
      if (!next) break;
      row.held.push(next);
      grant(next);
    }
    for (const want of row.waiting.filter(({ once }) => once)) {
      row.waiting.splice(row.waiting.indexOf(want), 1);
      refuse(want);
    }
    if (row.held.length === 0 && row.waiting.length === 0) rows.delete(row.name);
  };

  const remove = (is: (want: SlotWant) => boolean): void => {
    for (const row of [...rows.values()]) {
      const before = row.held.length + row.waiting.length;
      row.held = row.held.filter((want) => !is(want));
      row.waiting = row.waiting.filter((want) => !is(want));
      if (row.held.length + row.waiting.length < before) changed.add(row);
    }
  };

  return {
    open: () => {
      opened = true;
    },
    decide: () => {
      if (!opened) return;
      for (const row of changed) settle(row);
      changed.clear();
    },
    want: (want) => {
      const row = rowFor(want);
      // By the time of asking and not of arrival: after a change of server the order is the one it was before.
      const later = row.waiting.findIndex((other) => other.atUs > want.atUs);
      row.waiting.splice(later < 0 ? row.waiting.length : later, 0, want);
      changed.add(row);
    },
    have: (want) => {
      const row = rowFor(want);
      row.held.push(want);
      changed.add(row);
    },
    drop: (owner, id) => remove((want) => want.owner === owner && want.id === id),
    leave: (owner) => remove((want) => want.owner === owner),
    rows: (name) =>
      [...rows.values()].filter(
        (row) => row.held.length + row.waiting.length > 0 && (name === undefined || row.name === name),
      ),
    count: (owner) => {
      let count = 0;
      for (const { held, waiting } of rows.values()) {
        for (const want of held) if (want.owner === owner) count++;
        for (const want of waiting) if (want.owner === owner) count++;
      }
      return count;
    },
  };
};
