import type { Metrics } from '../../evaluate/index.ts';
import { type HtmlValue, html, type Markup } from '../../page/index.ts';
import type { RunRecord } from '../record.ts';
import { percent, score, seconds } from './format.ts';

export type RunFacts = Omit<RunRecord, 'format' | 'version' | 'files'>;

/** The last part of the data's path. */
export function nameOfData({ data }: RunFacts): string {
  return lastOf(data.root);
}

export function lastOf(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
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
${classes.length} classes and measured on ${data.validationSamples.toLocaleString('en')} ${data.validationSamples === 1 ? 'other' : 'others'}, ${from}.</p>`;
}

/** What a reader must know before the numbers. */
export function notices({ backbone, data, classes }: RunFacts): Markup {
  const few = fewImages(data.validationSamples, classes.length);
  const warnings = data.warnings.map((warning) => notice('Warning', html`${warning}`));
  return html`${backbone?.untrained ? untrainedNotice(backbone.name) : html``}${few}${warnings}`;
}

export function untrainedNotice(name: string): Markup {
  return notice(
    'Untrained backbone',
    html`The backbone
${name} has random weights, so its features are of little use for photographs. Accuracy with
trained weights is usually far higher: fetch them and train again.`,
  );
}

/** Of fewer than ten images per class, its scores mean little. */
export function fewImages(samples: number, classes: number): Markup {
  if (samples >= 10 * classes) return html``;
  return notice(
    'Few images',
    html`${samples} for ${classes} classes: read the interval
of the accuracy, and take the scores of single classes for hints.`,
  );
}

function notice(title: string, text: Markup): Markup {
  return html`<p class="notice" role="note"><strong>${title}.</strong> ${text}</p>`;
}

type Tile = readonly [name: string, value: string, note: string];

/**
 * The figures that everyone needs.
 *
 * @param own of the validation set: errors of calibration are those of the fit, before and after
 */
export function metricTiles(metrics: Metrics, { own = false } = {}): Tile[] {
  const [low, high] = metrics.interval;
  const uncalibrated = own
    ? 'on the images it was fitted on'
    : `${percent(metrics.uncalibrated.calibrationError)} as trained`;
  return [
    ['Accuracy', percent(metrics.accuracy), `${percent(low)} to ${percent(high)} (95 %)`],
    ['F1', score(metrics.macro.f1), 'mean of the classes'],
    ['ROC AUC', score(metrics.rocAuc), 'mean, class against rest'],
    [
      'Calibration error',
      percent(metrics.calibrationError),
      metrics.temperature === 1 ? 'not calibrated' : uncalibrated,
    ],
  ];
}

export function trainingTiles({ result, timing }: RunFacts): Tile[] {
  return [
    ['Kept epoch', `${result.keptEpoch}`, `of ${result.epochs}`],
    ['Training', seconds(timing.trainSeconds), `${seconds(timing.secondsPerEpoch)} an epoch`],
  ];
}

export function tileList(tiles: readonly Tile[]): Markup {
  const items = tiles.map(
    ([name, value, note]) =>
      html`<li><span class="name">${name}</span> <span class="value">${value}</span>
<span class="note">${note}</span></li>\n`,
  );
  return html`<ul class="tiles">${items}</ul>`;
}

export type Fact = readonly [string, HtmlValue];

/** Figures over all classes, in words. */
export function metricFacts(metrics: Metrics, accuracy: string, { own = false } = {}): Fact[] {
  const { uncalibrated, temperature } = metrics;
  const [low, high] = metrics.interval;
  const both = (now: string, before: string) =>
    temperature === 1 ? now : `${now} (as trained ${before})`;
  return [
    [accuracy, `${percent(metrics.accuracy)} (95 % interval ${percent(low)} to ${percent(high)})`],
    ...metrics.topK
      .filter(({ k }) => k > 1)
      .map(({ k, accuracy }): Fact => [`Top-${k} accuracy`, percent(accuracy)]),
    ['Log-loss', both(score(metrics.logLoss, 4), score(uncalibrated.logLoss, 4))],
    ['Brier score', both(score(metrics.brierScore, 4), score(uncalibrated.brierScore, 4))],
    [
      'Calibration error',
      own
        ? percent(metrics.calibrationError)
        : both(percent(metrics.calibrationError), percent(uncalibrated.calibrationError)),
    ],
    ['Temperature', temperature === 1 ? 'none' : temperature.toFixed(3)],
  ];
}

/** How the run was trained, on what and with what. */
export function trainingFacts({ result, data, backbone, head, device, created }: RunFacts): Fact[] {
  const kept =
    result.keptEpoch === result.bestEpoch
      ? `weights of epoch ${result.keptEpoch} kept, the best by ${result.monitor}`
      : `weights of the last epoch kept; the best by ${result.monitor} was ${result.bestEpoch}`;
  const stopped = result.stoppedBy === 'early-stopping' ? 'stopped early' : 'all epochs done';
  return [
    ['Epochs', `${result.epochs} (${stopped}); ${kept}`],
    ['Training', `loss ${score(result.train.loss, 4)}, accuracy ${percent(result.train.accuracy)}`],
    ['Data', data.root],
    [
      'Backbone',
      backbone ? `${backbone.name}, preprocessing ${backbone.preprocessing}` : 'unknown',
    ],
    ['Head', `${head.name}, ${head.parameterCount.toLocaleString('en')} parameters`],
    ['Devices', `features: ${device.extraction ?? 'none'}; head: ${device.training}`],
    ['Made', created],
  ];
}
