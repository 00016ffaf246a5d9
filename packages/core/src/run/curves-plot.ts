import { plural } from '../base/plural.ts';
import type { EpochRecord } from '../head/index.ts';
import { colours, type Plot, renderSvg } from '../page/index.ts';

/**
 * Loss and accuracy by epoch, for training (dashed) and validation, with the kept epoch marked.
 *
 * @param keptEpoch 1-based
 * @returns an SVG document
 */
export function curvesSvg(history: readonly EpochRecord[], keptEpoch: number): Promise<string> {
  const values = history.flatMap((r) => [
    { epoch: r.epoch, set: 'training', loss: r.loss, accuracy: r.accuracy },
    { epoch: r.epoch, set: 'validation', loss: r.valLoss, accuracy: r.valAccuracy },
  ]);
  const last = history.at(-1);
  const summary = last
    ? `${plural(history.length, 'epoch')}. In the last one training accuracy was ` +
      `${percent(last.accuracy)} and validation accuracy ${percent(last.valAccuracy)}. ` +
      `The weights of epoch ${keptEpoch} were kept.`
    : 'No epochs.';
  const spec: Plot = {
    data: { values },
    hconcat: [
      curvePanel('loss', 'Loss', keptEpoch, history.length),
      curvePanel('accuracy', 'Accuracy', keptEpoch, history.length),
    ],
    spacing: 40,
  };
  return renderSvg(spec, 'Training curves', summary);
}

function curvePanel(field: 'loss' | 'accuracy', title: string, kept: number, epochs: number): Plot {
  return {
    title,
    width: 360,
    height: 260,
    layer: [keptMark(kept, epochs), lines(field, title, epochs)],
  };
}

/** A rule at the kept epoch, with a note on the side where there is more room. */
function keptMark(kept: number, epochs: number): Plot {
  const x = { field: 'epoch', type: 'quantitative' };
  const place = kept > epochs / 2 ? { align: 'right', dx: -4 } : { align: 'left', dx: 4 };
  return {
    data: { values: [{ epoch: kept, note: `kept: ${kept}` }] },
    layer: [
      { mark: { type: 'rule', color: colours.muted.light, strokeDash: [2, 3] }, encoding: { x } },
      {
        mark: { type: 'text', color: colours.muted.light, ...place, y: 8, fontSize: 12 },
        encoding: { x, text: { field: 'note', type: 'nominal' } },
      },
    ],
  };
}

/** The curves of both sets. */
function lines(field: 'loss' | 'accuracy', title: string, epochs: number): Plot {
  const domain = ['training', 'validation'];
  return {
    mark: { type: 'line', strokeWidth: 2.5, point: epochs <= 30 },
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative',
        axis: { title: 'Epoch', tickMinStep: 1, format: 'd' },
        scale: { domain: [1, Math.max(2, epochs)], nice: false, zero: false },
      },
      y: {
        field,
        type: 'quantitative',
        axis: { title, ...(field === 'accuracy' ? { format: '.0%' } : {}) },
        scale: { zero: field === 'loss' },
      },
      color: {
        field: 'set',
        type: 'nominal',
        scale: { domain, range: [colours.first.light, colours.second.light] },
        legend: { title: null, symbolType: 'stroke', symbolSize: 400 },
      },
      strokeDash: {
        field: 'set',
        type: 'nominal',
        scale: {
          domain,
          range: [
            [6, 3],
            [1, 0],
          ],
        },
      },
    },
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
