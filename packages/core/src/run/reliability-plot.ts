import type { ReliabilityBin } from '../evaluate/index.ts';
import { colours, type Plot, renderSvg } from '../page/index.ts';

export interface ReliabilityCurve {
  readonly bins: readonly ReliabilityBin[];
  /** Expected calibration error, 0..1. */
  readonly error: number;
}

const side = 300;

/**
 * A reliability diagram: how often the classifier is right where it is so sure, with the samples of
 * each bin below. On the diagonal, confidence is accuracy.
 *
 * @param before the same without calibration, where the run is calibrated
 * @returns an SVG document
 */
export function reliabilitySvg(
  calibrated: ReliabilityCurve,
  before?: ReliabilityCurve | undefined,
): Promise<string> {
  const name = before ? 'calibrated' : 'as trained';
  const curves = [{ name, ...calibrated }, ...(before ? [{ name: 'as trained', ...before }] : [])];
  const values = curves.flatMap(({ name, bins }) =>
    bins
      .filter(({ count }) => count > 0)
      .map(({ lower, upper, count, confidence, accuracy }) => ({
        ...{ name, lower, upper, count, confidence, accuracy },
      })),
  );
  const errors = curves.map(({ name, error }) => `${(100 * error).toFixed(1)} % ${name}`);
  const most = Math.max(...values.map(({ count }) => count));
  const spec: Plot = {
    data: { values },
    vconcat: [
      diagram(
        curves.map(({ name }) => name),
        most,
      ),
      histogram(name),
    ],
    spacing: 12,
  };
  const summary = `Expected calibration error: ${errors.join(', ')}.`;
  return renderSvg(spec, 'Reliability diagram', summary);
}

const shareAxis = { format: '.0%', tickCount: 5 };

/** Points are as large as their bins have samples: one of few means little. */
function diagram(names: readonly string[], most: number): Plot {
  const range = [colours.first.light, colours.second.light].slice(0, names.length);
  const encoding = {
    x: share('confidence', null),
    y: share('accuracy', 'Accuracy'),
    order: { field: 'confidence', type: 'quantitative' },
    color: {
      field: 'name',
      type: 'nominal',
      scale: { domain: names, range },
      legend: {
        title: null,
        orient: 'top',
        symbolType: 'circle',
        symbolSize: 90,
        symbolOpacity: 1,
      },
    },
  };
  return {
    width: side,
    height: side,
    title: 'Reliability',
    layer: [
      {
        data: {
          values: [
            { confidence: 0, accuracy: 0 },
            { confidence: 1, accuracy: 1 },
          ],
        },
        mark: { type: 'line', color: colours.muted.light, strokeDash: [3, 3], strokeWidth: 1.5 },
        encoding: { x: share('confidence', null), y: share('accuracy', 'Accuracy') },
      },
      { mark: { type: 'line', strokeWidth: 1.5, opacity: 0.3 }, encoding },
      {
        mark: { type: 'circle', opacity: 0.9 },
        encoding: {
          ...encoding,
          size: {
            field: 'count',
            type: 'quantitative',
            scale: { domain: [0, most], range: [12, 260] },
            legend: null,
          },
        },
      },
    ],
  };
}

function share(field: string, title: string | null): Plot {
  return { field, type: 'quantitative', scale: { domain: [0, 1] }, axis: { ...shareAxis, title } };
}

/** How many samples are so sure. */
function histogram(name: string): Plot {
  return {
    width: side,
    height: 70,
    transform: [{ filter: { field: 'name', equal: name } }],
    mark: { type: 'bar', color: colours.first.light },
    encoding: {
      x: {
        ...share('lower', 'Confidence (probability of the class called)'),
        bin: { binned: true },
      },
      x2: { field: 'upper' },
      y: { field: 'count', type: 'quantitative', axis: { title: 'Samples', tickCount: 3 } },
    },
  };
}
