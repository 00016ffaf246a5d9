import { colours, type Plot, renderSvg } from '../page/index.ts';
import type { LearningCurve } from './curve-points.ts';
import { errorAt } from './power-law.ts';

const kinds = {
  measured: 'measured: seeds and their mean',
  law: 'power law, 95 % interval',
} as const;

/** The colour of one of the two kinds, which the legend names. */
function colour(kind: keyof typeof kinds): Plot {
  const range = [colours.first.light, colours.second.light];
  return {
    datum: kinds[kind],
    type: 'nominal',
    scale: { domain: Object.values(kinds), range },
    legend: {
      title: null,
      orient: 'top',
      labelLimit: 400,
      symbolType: 'stroke',
      symbolSize: 400,
      symbolOpacity: 1,
    },
  };
}

/**
 * Accuracy by number of training images: each seed a point, the means a line, and the power law with
 * its interval beyond what was measured.
 *
 * @returns an SVG document
 */
export function learningCurveSvg({
  sizes,
  law,
  predictions,
  fitted,
}: LearningCurve): Promise<string> {
  const all = sizes.at(-1)?.images ?? 1;
  const last = predictions.at(-1)?.images ?? all;
  const first = sizes[0]?.images ?? 1;
  const steps = 60;
  const line = Array.from({ length: steps + 1 }, (_, i) => {
    const images = first * (last / first) ** (i / steps);
    return { images, accuracy: 1 - errorAt(law, images) };
  });
  const band = [
    { images: all, low: fitted, high: fitted },
    ...predictions.map(({ images, interval: [low, high] }) => ({ images, low, high })),
  ];
  const x = {
    field: 'images',
    type: 'quantitative',
    scale: { type: 'log', nice: false },
    axis: { title: 'Training images', format: ',d', tickCount: 6 },
  };
  const y = {
    field: 'accuracy',
    type: 'quantitative',
    scale: { zero: false },
    axis: { title: 'Accuracy', format: '.0%' },
  };
  const measured = sizes.flatMap(({ images, accuracies }) =>
    accuracies.map((accuracy) => ({ images, accuracy })),
  );
  const spec: Plot = {
    width: 620,
    height: 320,
    layer: [
      {
        data: { values: band },
        mark: { type: 'area', opacity: 0.18 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color: colour('law') },
      },
      {
        data: { values: line },
        mark: { type: 'line', strokeDash: [6, 3], strokeWidth: 2 },
        encoding: { x, y, color: colour('law') },
      },
      {
        data: { values: measured },
        mark: { type: 'point', opacity: 0.45, size: 25 },
        encoding: { x, y, color: colour('measured') },
      },
      {
        data: { values: sizes.map(({ images, accuracy }) => ({ images, accuracy })) },
        mark: { type: 'line', strokeWidth: 2.5, point: { filled: true } },
        encoding: { x, y, color: colour('measured') },
      },
    ],
  };
  const twice = predictions[0];
  const now = sizes.at(-1);
  const summary =
    `Measured ${percent(now?.accuracy ?? 0)} with ${all} images. By the power law (dashed), ` +
    `${twice?.images} images would give ${percent(twice?.accuracy ?? 0)}.`;
  return renderSvg(spec, 'Accuracy by number of training images', summary);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
