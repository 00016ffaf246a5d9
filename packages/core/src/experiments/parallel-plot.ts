import { colours, type Plot, renderSvg } from '../page/index.ts';
import type { SearchSpace, TrialChoice } from './search-space.ts';
import type { Trial } from './trial.ts';

/** One vertical axis: where a value stands on it, from 0 to 1, and what is written beside it. */
interface Axis {
  readonly title: string;
  readonly place: (trial: Trial) => number | undefined;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

const titles: Record<keyof TrialChoice, string> = {
  head: 'head',
  optimizer: 'optimizer',
  learningRate: 'learning rate',
  weightDecay: 'weight decay',
  dropout: 'dropout',
  labelSmoothing: 'label smoothing',
  l2: 'l2',
  momentum: 'momentum',
  classWeights: 'class weights',
};

/**
 * Every trial as a line over parallel axes (A. Inselberg, "The plane with parallel coordinates",
 * 1985), the best ones in the strongest colour and on top.
 *
 * @returns an SVG document
 */
export function parallelSvg(trials: readonly Trial[], space: SearchSpace): Promise<string> {
  const axes = [
    ...(Object.keys(titles) as (keyof TrialChoice)[]).flatMap((key) =>
      choiceAxis(key, trials, space),
    ),
    accuracyAxis(trials),
  ];
  const names = axes.map(({ title }) => title);
  const order = [...trials].sort((a, b) => a.accuracy - b.accuracy);
  const values = order.flatMap((trial, rank) =>
    axes.flatMap(({ title, place }) => {
      const at = place(trial);
      const { accuracy } = trial;
      return at === undefined ? [] : [{ trial: rank, axis: title, at, accuracy }];
    }),
  );
  const ticks = axes.flatMap((axis) =>
    axis.ticks.map(({ at, text }) => ({ axis: axis.title, at, text })),
  );
  const x = { field: 'axis', type: 'nominal', sort: names, scale: { type: 'point', padding: 0.6 } };
  const y = { field: 'at', type: 'quantitative', scale: { domain: [0, 1] }, axis: null };
  const spec: Plot = {
    width: 110 * axes.length,
    height: 320,
    layer: [
      {
        data: { values: axes.flatMap(({ title }) => [0, 1].map((at) => ({ axis: title, at }))) },
        mark: { type: 'line', color: colours.muted.light, strokeWidth: 1 },
        encoding: {
          x: {
            ...x,
            axis: {
              orient: 'top',
              offset: 14,
              title: null,
              labelAngle: 0,
              domain: false,
              ticks: false,
            },
          },
          y,
          detail: { field: 'axis', type: 'nominal' },
        },
      },
      {
        data: { values },
        mark: { type: 'line', strokeWidth: 1.4 },
        encoding: {
          x,
          y,
          detail: { field: 'trial', type: 'quantitative' },
          color: colour(trials),
          opacity: {
            condition: { test: `datum.trial >= ${order.length - 10}`, value: 1 },
            value: 0.35,
          },
        },
      },
      {
        data: { values: ticks },
        mark: {
          type: 'text',
          align: 'left',
          dx: 4,
          fontSize: 11,
          stroke: colours.page.light,
          strokeWidth: 3,
        },
        encoding: { x, y, text: { field: 'text', type: 'nominal' } },
      },
      {
        data: { values: ticks },
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 11, color: colours.ink.light },
        encoding: { x, y, text: { field: 'text', type: 'nominal' } },
      },
    ],
  };
  const best = order.at(-1);
  const summary = best
    ? `${trials.length} trials. The best reached ${percent(best.accuracy)} with ${describeChoice(best.choice)}.`
    : 'No trials.';
  return renderSvg(spec, 'Trials by their options and accuracy', summary);
}

/** Reaches from the middle of all to the best: what is worse has the palest colour. */
function colour(trials: readonly Trial[]): Plot {
  const sorted = trials.map(({ accuracy }) => accuracy).sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return {
    field: 'accuracy',
    type: 'quantitative',
    scale: { scheme: 'viridis', reverse: true, domain: [middle, sorted.at(-1) ?? 1], clamp: true },
    legend: { title: 'accuracy', format: '.0%' },
  };
}

function choiceAxis(key: keyof TrialChoice, trials: readonly Trial[], space: SearchSpace): Axis[] {
  const values = trials.map(({ choice }) => choice[key]).filter((value) => value !== undefined);
  if (new Set(values).size < 2) return [];
  const title = titles[key];
  if (typeof values[0] === 'string') {
    const names = [...new Set(values as string[])].sort();
    const at = (name: string) => names.indexOf(name) / (names.length - 1);
    return [
      {
        title,
        place: ({ choice }) => (choice[key] === undefined ? undefined : at(choice[key] as string)),
        ticks: names.map((name) => ({ at: at(name), text: name })),
      },
    ];
  }
  const numbers = values as number[];
  const from = space[key as 'learningRate'];
  const logarithmic = 'min' in from && from.scale === 'log';
  // A zero, which has no logarithm, stands at the bottom.
  const placed = logarithmic ? numbers.filter((n) => n > 0) : numbers;
  const [least, most] = [Math.min(...placed), Math.max(...placed)];
  if (!(most > least)) return [];
  const scaled = (n: number) => (logarithmic ? Math.log(Math.max(n, least)) : n);
  const at = (n: number) => (scaled(n) - scaled(least)) / (scaled(most) - scaled(least));
  const middle = logarithmic ? Math.sqrt(least * most) : (least + most) / 2;
  return [
    {
      title,
      place: ({ choice }) => (choice[key] === undefined ? undefined : at(choice[key] as number)),
      ticks: [least, middle, most].map((n) => ({ at: at(n), text: short(n) })),
    },
  ];
}

function accuracyAxis(trials: readonly Trial[]): Axis {
  const values = trials.map(({ accuracy }) => accuracy);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const at = (accuracy: number) => (most > least ? (accuracy - least) / (most - least) : 1);
  const ticks = [least, (least + most) / 2, most].map((a) => ({ at: at(a), text: percent(a) }));
  return { title: 'accuracy', place: ({ accuracy }) => at(accuracy), ticks };
}

/**
 * The options of a trial in words, as the command line has them.
 *
 * @example
 * ```ts
 * const { best } = await sweepJob({ data: 'fruit', backbone: 'vgg16' });
 * console.log(describeChoice(best.options));
 * ```
 */
export function describeChoice(choice: TrialChoice): string {
  return (Object.keys(titles) as (keyof TrialChoice)[])
    .filter((key) => choice[key] !== undefined && choice[key] !== 0 && choice[key] !== 'none')
    .map((key) => `${titles[key]} ${choice[key]}`)
    .join(', ');
}

function short(n: number): string {
  return n !== 0 && (Math.abs(n) < 0.01 || Math.abs(n) >= 1e4)
    ? n.toExponential(0)
    : String(Number(n.toPrecision(2)));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
