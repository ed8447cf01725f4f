import bytes from 'bytes';
import { usd } from '../../cli/words.ts';
import { beside, fitBlock, type Line, line, span } from '../cells.ts';
import { bars, gauge, sparkline } from '../plot.ts';
import type { Sight } from '../sight.ts';

/** Figures over time: what was kept and discarded, what main still has, what it cost, how full the machine is. */
export const drawMetrics = (sight: Sight, width: number, height: number): Line[] => {
  const isWide = width >= WIDE_MIN;
  const across = isWide ? Math.floor((width - 3) / 2) : width;
  const each = isWide ? Math.floor(height / 2) : Math.floor(height / PLOTS);
  const plots = [kept, cost, problems, memory].map((draw) => fitBlock(draw(sight, across, each), across, each));
  if (!isWide) return fitBlock(plots.flat(), width, height);
  const wall = span(' │ ', 'border');
  return fitBlock([...beside(plots[0]!, plots[1]!, wall), ...beside(plots[2]!, plots[3]!, wall)], width, height);
};

const WIDE_MIN = 100;
const PLOTS = 4;

type Plot = (sight: Sight, width: number, height: number) => Line[];

const kept: Plot = ({ view }, width, height) => {
  const sum = (of: 'kept' | 'discarded') => view.days.reduce((total, day) => total + day[of], 0);
  return [
    line(
      span('Cycles by day', 'title'),
      span('  █ kept ', 'good'),
      span(String(sum('kept'))),
      span('  ▒ discarded ', 'warn'),
      span(String(sum('discarded'))),
    ),
    ...bars({
      series: [
        { style: 'good', fill: '█', values: view.days.map((day) => day.kept) },
        { style: 'warn', fill: '▒', values: view.days.map((day) => day.discarded) },
      ],
      labels: view.days.map(({ day }) => day.slice(5)),
      ...{ width, height: plotHeight(height) },
      format: (value) => String(Math.round(value)),
    }),
  ];
};

const cost: Plot = ({ view }, width, height) => {
  const { today } = view.status;
  return [
    line(
      span('Cost by day', 'title'),
      span(`  today ${usd(today.costUsd)} of ${usd(today.budgetUsd)}`),
      span('  · budget', 'warn'),
    ),
    ...bars({
      series: [{ style: 'info', fill: '█', values: view.days.map(({ costUsd }) => costUsd) }],
      labels: view.days.map(({ day }) => day.slice(5)),
      ...{ width, height: plotHeight(height) },
      limit: today.budgetUsd,
      format: (value) => `$${Math.round(value)}`,
    }),
  ];
};

/** A row of air between two plots. */
const plotHeight = (height: number): number => Math.max(2, height - 2);

const problems: Plot = ({ view }, width, height) => {
  const projects = Object.entries(view.figures).filter(([, points]) => points.length > 0);
  const head = line(span('Errors and failing tests of main, by cycle', 'title'));
  if (projects.length === 0) return [head, line(span('not measured yet', 'dim'))];
  const each = Math.max(3, Math.floor((height - 2) / projects.length));
  return [
    head,
    ...projects.flatMap(([name, points]) => {
      const series = {
        errors: points.map(({ figures }) => figures.problems),
        failing: points.map(({ figures }) => figures.failed),
      };
      return [
        line(span(name, 'accent')),
        ...(['errors', 'failing'] as const).map((kind) => {
          const values = series[kind];
          const label = `${kind} ${values[0]} → ${values.at(-1)} `;
          return line(
            span(label.padEnd(LABEL), 'dim'),
            span(sparkline(values, Math.max(4, width - LABEL)), kind === 'errors' ? 'warn' : 'bad'),
          );
        }),
      ].slice(0, each);
    }),
  ];
};

const LABEL = 20;

const memory: Plot = ({ view, memory: samples }, width) => {
  const { memoryUsedShare, memoryTotalBytes, diskFreeBytes } = view.machine;
  const gate = view.gates.find(({ gate: name }) => name === 'memory');
  const limit = gate?.figures.limit;
  return [
    line(span('Machine', 'title'), span(`  disk ${bytes(diskFreeBytes, SIZES)} free`, 'dim')),
    line(
      span('memory '.padEnd(LABEL), 'dim'),
      span(
        `${percent(memoryUsedShare)} of ${bytes(memoryTotalBytes, SIZES)}${limit === undefined ? '' : `, the gate closes at ${percent(limit)}`}`,
      ),
    ),
    line(
      span(' '.repeat(LABEL)),
      span(gauge(memoryUsedShare, Math.max(4, width - LABEL)), gate?.closed ? 'bad' : 'good'),
    ),
    line(span('while you look '.padEnd(LABEL), 'dim'), span(sparkline(samples, Math.max(4, width - LABEL), 1), 'info')),
  ];
};

const SIZES = { unitSeparator: ' ', decimalPlaces: 0 } as const;
const percent = (share: number): string => `${Math.round(share * 100)} %`;
