/**
 * The text format of Prometheus, read as strictly as promtool does: every rule of the format that is broken is named.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export interface Family {
  name: string;
  help: string;
  type: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

export const parseExposition = (text: string): { families: Map<string, Family>; faults: string[] } => {
  const families = new Map<string, Family>();
  const faults: string[] = [];
  const series = new Set<string>();
  let current: Family | undefined;
  if (!text.endsWith('\n')) faults.push('the last line does not end');
  for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
    const fault = (what: string) => faults.push(`line ${index + 1}: ${what}: ${line}`);
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      if (!NAME.test(name)) fault('no name of a metric');
      if (kind === 'HELP') {
        if (families.has(name)) fault('a second family of this name');
        current = { name, help: rest, type: 'untyped', samples: [] };
        families.set(name, current);
        if (rest.trim() === '') fault('no help');
      } else {
        if (current?.name !== name) fault('a type without its help before it');
        if (!TYPES.includes(rest)) fault('no type');
        if (current) current.type = rest;
      }
      continue;
    }
    if (line.startsWith('#')) continue;
    const sample = /^([^\s{]+)(?:\{(.*)\})? (\S+)(?: (-?\d+))?$/.exec(line);
    if (!sample) {
      fault('no sample');
      continue;
    }
    const [, name = '', inner = '', number = ''] = sample;
    if (!NAME.test(name)) fault('no name of a metric');
    const family = current;
    if (!family || !belongs(name, family)) fault('a sample outside of its family');
    const labels = parseLabels(inner, fault);
    const value = /^[+-]?Inf$/.test(number) ? Number.POSITIVE_INFINITY : number === 'NaN' ? Number.NaN : Number(number);
    if (number !== 'NaN' && Number.isNaN(value)) fault('no number');
    const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`;
    if (series.has(key)) fault('the same series twice');
    series.add(key);
    family?.samples.push({ name, labels, value });
    if (family?.type === 'counter' && value < 0) fault('a counter below zero');
  }
  // What promtool check metrics asks for.
  for (const { name, type } of families.values()) {
    if (type === 'counter' && !name.endsWith('_total')) faults.push(`${name}: a counter is called _total`);
    if (type === 'gauge' && name.endsWith('_total')) faults.push(`${name}: only a counter is called _total`);
    if (/_(ms|milliseconds|kb|mb|minutes|hours|percent)(_|$)/.test(name)) faults.push(`${name}: no base unit`);
  }
  return { families, faults };
};

const belongs = (name: string, { name: family, type }: Family): boolean =>
  name === family || (type === 'histogram' && [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name));

const parseLabels = (inner: string, fault: (what: string) => void): Record<string, string> => {
  const labels: Record<string, string> = {};
  let rest = inner;
  while (rest !== '') {
    const pair = /^([^=]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest);
    if (!pair) {
      fault('no label');
      return labels;
    }
    const [whole, name = '', value = ''] = pair;
    if (!LABEL.test(name)) fault('no name of a label');
    if (Object.hasOwn(labels, name)) fault('a label twice');
    labels[name] = value.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
    rest = rest.slice(whole.length);
  }
  return labels;
};
