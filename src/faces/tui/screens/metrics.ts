import bytes from 'bytes';
import type { BoardView } from '../../../desk/board.ts';
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
  const each = Math.max(2, Math.floor((height - 1) / projects.length));
  return [head, ...projects.flatMap(([name, points]) => problemsOf(name, points, width, each))];
};

/** Drawn as a plot where there is room for one, else as a line each. */
const problemsOf = (name: string, points: BoardView['figures'][string], width: number, height: number): Line[] => {
  const errors = points.map(({ figures }) => figures.problems);
  const failing = points.map(({ figures }) => figures.failed);
  const told = (values: number[]): string => `${values[0]} → ${values.at(-1)}`;
  if (height < PLOT_MIN_HEIGHT)
    return [
      [`${name} errors ${told(errors)} `, errors, 'warn'] as const,
      [`${name} failing ${told(failing)} `, failing, 'bad'] as const,
    ].map(([label, values, style]) =>
      line(span(label.padEnd(LABEL), 'dim'), span(sparkline(values, Math.max(4, width - LABEL)), style)),
    );
  return [
    line(
      span(name, 'accent'),
      span('  █ errors ', 'warn'),
      span(told(errors)),
      span('  ▒ failing ', 'bad'),
      span(told(failing)),
    ),
    ...bars({
      series: [
        { style: 'warn', fill: '█', values: errors },
        { style: 'bad', fill: '▒', values: failing },
      ],
      labels: points.map(() => ''),
      ...{ width, height: height - 1 },
      format: (value) => String(Math.round(value)),
    }),
  ];
};

/** A heading, two rows of blocks and their foot. */
const PLOT_MIN_HEIGHT = 5;
const LABEL = 20;

const memory: Plot = ({ view, memory: samples }, width, height) => {
  const { memoryUsedShare, memoryTotalBytes, diskFreeBytes } = view.machine;
  const gate = view.gates.find(({ gate: name }) => name === 'memory');
  const limit = gate?.figures.limit;
  const style = gate?.closed ? 'bad' : 'good';
  const room = height - 3;
  return [
    line(span('Machine', 'title'), span(`  disk ${bytes(diskFreeBytes, SIZES)} free`, 'dim')),
    line(
      span('memory '.padEnd(LABEL), 'dim'),
      span(
        `${percent(memoryUsedShare)} of ${bytes(memoryTotalBytes, SIZES)}${limit === undefined ? '' : `, the gate closes at ${percent(limit)}`}`,
      ),
    ),
    ...(room < PLOT_MIN_HEIGHT
      ? [
          line(span(' '.repeat(LABEL)), span(gauge(memoryUsedShare, Math.max(4, width - LABEL)), style)),
          line(
            span('while you look '.padEnd(LABEL), 'dim'),
            span(sparkline(samples, Math.max(4, width - LABEL), 1), 'info'),
          ),
        ]
      : [
          ...bars({
            series: [{ style: 'info', fill: '█', values: samples }],
            labels: samples.map(() => ''),
            ...{ width, height: room },
            ...(limit === undefined ? {} : { limit }),
            format: percent,
          }),
        ]),
  ];
};

const SIZES = { unitSeparator: ' ', decimalPlaces: 0 } as const;
const percent = (share: number): string => `${Math.round(share * 100)} %`;
