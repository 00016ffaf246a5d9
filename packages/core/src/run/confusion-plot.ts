import { type ConfusionMatrix, confusionCount } from '../evaluate/index.ts';
import { type Plot, plotConfig, renderSvg } from '../page/index.ts';

/** Beyond these numbers of classes a confusion matrix shows no counts, and no class names. */
const mostCounted = 30;
const mostNamed = 100;

/**
 * The confusion matrix: counts, coloured by the share of the true class. Cells without samples are
 * not drawn, so that a thousand classes do not make a million cells.
 *
 * @returns an SVG document
 */
export function confusionSvg(matrix: ConfusionMatrix, names: readonly string[]): Promise<string> {
  let [correct, total] = [0, 0];
  const values = names.flatMap((_, label) => {
    const counts = names.map((_, predicted) => confusionCount(matrix, label, predicted));
    const support = counts.reduce((a, b) => a + b, 0);
    total += support;
    correct += counts[label] as number;
    return counts
      .map((count, predicted) => ({ label, predicted, count, share: count / support }))
      .filter(({ count }) => count > 0);
  });
  const spec: Plot = {
    config: { ...plotConfig, view: { fill: noShare, stroke: '#cccccc' } },
    title: 'Confusion matrix',
    data: { values },
    ...cells(names),
  };
  const summary = `Of ${total} samples of ${names.length} classes, ${correct} are classified correctly.`;
  return renderSvg(spec, 'Confusion matrix', summary);
}

function cells(names: readonly string[]): Plot {
  const step = Math.min(56, Math.max(2, Math.round(900 / names.length)));
  const position = (field: string, title: string, labelAngle: number) => ({
    field,
    type: 'ordinal',
    // Places are class numbers, so that every class has its own; axis labels are looked up.
    scale: { domain: names.map((_, k) => k) },
    axis: {
      title,
      labelExpr: `${literal(names)}[datum.value]`,
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
      color: { condition: { test: 'datum.share > 0.55', value: 'white' }, value: '#1a1a1a' },
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

/** A list of texts in Vega's expression language, where a line separator may not stand in a text. */
function literal(names: readonly string[]): string {
  return JSON.stringify(names).replace(/[\u2028\u2029]/g, ' ');
}

const noShare = '#f7fbff';

const shareRect = {
  mark: { type: 'rect', stroke: 'white' },
  encoding: {
    color: {
      field: 'share',
      type: 'quantitative',
      scale: { domain: [0, 1], range: [noShare, '#6baed6', '#08519c'] },
      legend: { title: 'Share of true class', titleLimit: 300, format: '.0%' },
    },
  },
};
