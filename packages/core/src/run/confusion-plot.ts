import { plural } from '../base/plural.ts';
import { type ConfusionMatrix, confusionCells, totals } from '../evaluate/index.ts';
import { colours, type Plot, plotConfig, renderSvg } from '../page/index.ts';

/** Beyond these numbers of classes a confusion matrix shows no counts, and no class names. */
const mostCounted = 30;
const mostNamed = 100;

/** Beyond this number of classes nobody can read a confusion matrix: a class is less than a pixel. */
export const mostPlotted = 1000;

/**
 * The confusion matrix: counts, coloured by the share of the true class. Cells without samples are
 * not drawn, so that a thousand classes do not make a million cells.
 *
 * @returns an SVG document
 */
export function confusionSvg(matrix: ConfusionMatrix, names: readonly string[]): Promise<string> {
  const supports = matrix.counts.map((row) => row.reduce((a, b) => a + b, 0));
  const values = Array.from(confusionCells(matrix), ({ label, predicted, count }) => ({
    label: placeOf(names[label] as string, label),
    predicted: placeOf(names[predicted] as string, predicted),
    count,
    share: count / (supports[label] as number),
  }));
  const { correct, total } = totals(matrix);
  const spec: Plot = {
    config: { ...plotConfig, view: { stroke: colours.line.light } },
    title: 'Confusion matrix',
    data: { values },
    ...cells(names),
  };
  const summary = `Of ${plural(total, 'sample')} of ${names.length} classes, ${plural(correct, 'is', 'are')} classified correctly.`;
  return renderSvg(spec, 'Confusion matrix', summary);
}

function cells(names: readonly string[]): Plot {
  const step = Math.min(56, Math.max(2, Math.round(900 / names.length)));
  const position = (field: string, title: string, labelAngle: number) => ({
    field,
    type: 'ordinal',
    // A place is a class by number and name, so that each has its own; the axis shows the name.
    scale: { domain: names.map(placeOf) },
    axis: {
      title,
      labelExpr: `slice(datum.label, indexof(datum.label, ' ') + 1)`,
      labels: names.length <= mostNamed,
      labelLimit: 200,
      labelAngle,
      ticks: false,
    },
  });
  const text = {
    mark: { type: 'text', fontSize: Math.min(13, step / 2.5) },
    encoding: {
      text: { field: 'count', type: 'quantitative' },
      color: {
        condition: { test: 'datum.share > 0.55', value: 'white' },
        value: colours.ink.light,
      },
    },
  };
  return {
    width: { step },
    height: { step },
    encoding: {
      x: position('predicted', 'Predicted class', names.some((n) => n.length > 7) ? -45 : 0),
      y: position('label', 'True class', 0),
    },
    layer: names.length <= mostCounted ? [shareRect, text] : [shareRect],
  };
}

/** Names stand in data alone: Vega takes some in an expression (`constructor`) for its own. */
function placeOf(name: string, label: number): string {
  return `${label} ${name}`;
}

/** Shares are opacities of one colour, so that they stand on a light and on a dark page. */
const shareRect = {
  mark: { type: 'rect', color: colours.share.light },
  encoding: {
    opacity: {
      field: 'share',
      type: 'quantitative',
      scale: { domain: [0, 1], range: [0.06, 1] },
      legend: {
        title: 'Share of true class',
        orient: 'bottom',
        direction: 'horizontal',
        titleLimit: 300,
        format: '.0%',
        values: [0.1, 0.25, 0.5, 0.75, 1],
        symbolType: 'square',
        symbolSize: 220,
        symbolStrokeWidth: 0,
        symbolFillColor: colours.share.light,
      },
    },
  },
};
