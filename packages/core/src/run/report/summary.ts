import type { Evaluation } from '../../evaluate/index.ts';
import { type HtmlValue, html, type Markup } from '../../page/index.ts';
import type { RunRecord } from '../record.ts';
import { percent, score, seconds } from './format.ts';
import { factTable } from './tables.ts';

export type RunFacts = Omit<RunRecord, 'format' | 'version' | 'files'>;

/** The last part of the data's path. */
export function nameOfData({ data }: RunFacts): string {
  return data.root.split(/[\\/]/).filter(Boolean).at(-1) ?? data.root;
}

/** What the run is, in a sentence. */
export function lead({ classes, data, backbone, head }: RunFacts): Markup {
  const from = {
    split: 'set aside by content',
    validation: 'of the validation folder',
    test: 'of the test folder',
    features: 'of a feature file',
  }[data.validationFrom];
  const model = backbone ? `${backbone.name} with the head ${head.name}` : `The head ${head.name}`;
  return html`<p class="lead">${model}, trained on ${data.trainSamples.toLocaleString('en')} images of
${classes.length} classes and measured on ${data.validationSamples.toLocaleString('en')} others, ${from}.</p>`;
}

/** What a reader must know before the numbers. */
export function notices({ backbone, data, classes }: RunFacts): Markup {
  const untrained = backbone?.untrained
    ? html`<p class="notice" role="note"><strong>Untrained backbone.</strong> The backbone
${backbone.name} has random weights, so its features say little about photographs. Accuracy with
trained weights is usually far higher: run <code>headstart pull</code> and train again.</p>`
    : html``;
  const few =
    data.validationSamples < 10 * classes.length
      ? html`<p class="notice" role="note"><strong>Few validation images.</strong> There are
${data.validationSamples} for ${classes.length} classes: read the interval of the accuracy, and take
the scores of single classes for hints.</p>`
      : html``;
  const warnings = data.warnings.map(
    (warning) => html`<p class="notice" role="note"><strong>Warning.</strong> ${warning}</p>`,
  );
  return html`${untrained}${few}${warnings}`;
}

/** The figures that everyone asks for. */
export function tiles({ result, timing }: RunFacts, { metrics }: Evaluation): Markup {
  const [low, high] = metrics.interval;
  const calibrated = metrics.temperature !== 1;
  const figures: [string, string, string][] = [
    ['Accuracy', percent(metrics.accuracy), `${percent(low)} to ${percent(high)} (95 %)`],
    ['F1', score(metrics.macro.f1), 'mean of the classes'],
    ['ROC AUC', score(metrics.rocAuc), 'mean, class against rest'],
    [
      'Calibration error',
      percent(metrics.calibrationError),
      calibrated ? `${percent(metrics.uncalibrated.calibrationError)} as trained` : 'as trained',
    ],
    ['Kept epoch', `${result.keptEpoch}`, `of ${result.epochs}`],
    ['Training', seconds(timing.trainSeconds), `${seconds(timing.secondsPerEpoch)} an epoch`],
  ];
  const items = figures.map(
    ([name, value, note]) =>
      html`<li><span class="name">${name}</span> <span class="value">${value}</span>
<span class="note">${note}</span></li>\n`,
  );
  return html`<ul class="tiles">${items}</ul>`;
}

/** All figures of the whole run, in words. */
export function summaryTable(record: RunFacts, { metrics }: Evaluation): Markup {
  const { result, data, backbone, head, device } = record;
  const { uncalibrated } = metrics;
  const [low, high] = metrics.interval;
  const both = (now: string, before: string) =>
    metrics.temperature === 1 ? now : `${now} (as trained ${before})`;
  const kept =
    result.keptEpoch === result.bestEpoch
      ? `weights of epoch ${result.keptEpoch} kept, the best by ${result.monitor}`
      : `weights of the last epoch kept; the best by ${result.monitor} was ${result.bestEpoch}`;
  const stopped = result.stoppedBy === 'early-stopping' ? 'stopped early' : 'all epochs done';
  const facts: [string, HtmlValue][] = [
    [
      'Validation accuracy',
      `${percent(metrics.accuracy)} (95 % interval ${percent(low)} to ${percent(high)})`,
    ],
    ...metrics.topK
      .filter(({ k }) => k > 1)
      .map(({ k, accuracy }): [string, HtmlValue] => [`Top-${k} accuracy`, percent(accuracy)]),
    ['Log-loss', both(score(metrics.logLoss, 4), score(uncalibrated.logLoss, 4))],
    ['Brier score', both(score(metrics.brierScore, 4), score(uncalibrated.brierScore, 4))],
    [
      'Calibration error',
      both(percent(metrics.calibrationError), percent(uncalibrated.calibrationError)),
    ],
    ['Temperature', metrics.temperature === 1 ? 'none' : metrics.temperature.toFixed(3)],
    ['Epochs', `${result.epochs} (${stopped}); ${kept}`],
    ['Training', `loss ${score(result.train.loss, 4)}, accuracy ${percent(result.train.accuracy)}`],
    ['Data', data.root],
    [
      'Backbone',
      backbone ? `${backbone.name}, preprocessing ${backbone.preprocessing}` : 'unknown',
    ],
    ['Head', `${head.name}, ${head.parameterCount.toLocaleString('en')} parameters`],
    ['Devices', `features: ${device.extraction ?? 'none'}; head: ${device.training}`],
    ['Made', record.created],
  ];
  return factTable('What was trained and how good it is', facts);
}
