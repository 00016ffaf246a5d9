// The table and the plot of a benchmark's results.
import { renderSvg } from '../../packages/core/dist/page/index.js';

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function figure(value) {
  if (value === null || value === undefined) return '–';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(2);
}

/** @param {{ rows: readonly Record<string, any>[] }} results */
export function table({ rows }) {
  const lines = rows.map((row) => {
    if (row.absent) return `| ${row.what} | ${row.absent} | | | | | |`;
    const { what, firstModelSeconds, nextModelSeconds, epochSeconds, imagesPerSecond } = row;
    return `| ${[
      what,
      figure(firstModelSeconds),
      figure(nextModelSeconds),
      figure(median(epochSeconds)),
      figure(imagesPerSecond),
      row.peakMegabytes.toFixed(0),
      `${(100 * row.accuracy).toFixed(1)} %`,
    ].join(' | ')} |`;
  });
  return [
    '| | first model, s | next model, s | epoch, s | images/s | peak MB | accuracy |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

/** Seconds to the first and the next model, as bars on a logarithmic scale. */
export function plot({ rows, data }) {
  const values = rows
    .filter((row) => !row.absent)
    .flatMap(({ what, firstModelSeconds, nextModelSeconds }) => [
      { what, model: 'first model', seconds: firstModelSeconds },
      { what, model: 'next model, another head', seconds: nextModelSeconds ?? firstModelSeconds },
    ]);
  const order = values.map(({ what }) => what);
  // A bar on a logarithmic scale begins at one second, not at zero, and is not stacked.
  const scale = { type: 'log', domainMin: 1 };
  const x = { field: 'seconds', type: 'quantitative', stack: null, scale, title: 'seconds' };
  const y = { field: 'what', type: 'nominal', sort: order, title: null, axis: { labelLimit: 400 } };
  const bars = {
    width: 460,
    height: { step: 17 },
    data: { values: values.map((one) => ({ ...one, label: figure(one.seconds) })) },
    encoding: { y, yOffset: { field: 'model' } },
    layer: [
      {
        mark: { type: 'bar', cornerRadiusEnd: 2 },
        encoding: {
          x,
          x2: { datum: 1 },
          color: {
            field: 'model',
            title: null,
            scale: { range: ['#4c78a8', '#f2a154'] },
            legend: { orient: 'bottom', labelLimit: 400 },
          },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 11 },
        encoding: { x, text: { field: 'label' } },
      },
    ],
  };
  const words = values.map(({ what, model, seconds }) => `${what}, ${model}: ${figure(seconds)} s`);
  const title = `Seconds to a trained model: ${data.train} training images`;
  return renderSvg({ ...bars, title }, title, words.join('. '));
}
