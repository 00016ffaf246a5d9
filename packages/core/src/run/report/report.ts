import { plural } from '../../base/plural.ts';
import type { SkippedFile } from '../../dataset/index.ts';
import { type Evaluation, meanConfidence, type Selective } from '../../evaluate/index.ts';
import { html, type Markup, pageDocument, trusted } from '../../page/index.ts';
import { mostPlotted } from '../confusion-plot.ts';
import type { MistakePictures } from '../mistake-pictures.ts';
import type { RunFile } from '../record.ts';
import { percent } from './format.ts';
import { mistakeSection } from './mistakes.ts';
import { reportStyle } from './style.ts';
import {
  fewImages,
  lastOf,
  lead,
  metricFacts,
  metricTiles,
  nameOfData,
  notices,
  type RunFacts,
  tileList,
  trainingFacts,
  trainingTiles,
  untrainedNotice,
} from './summary.ts';
import {
  argumentTable,
  classTable,
  factTable,
  fileTable,
  pairTable,
  skippedTable,
  timingTable,
} from './tables.ts';

export interface ReportContents {
  readonly record: RunFacts;
  readonly evaluation: Evaluation;
  readonly skipped: readonly SkippedFile[];
  readonly files: Readonly<Record<string, RunFile>>;
  /** SVG documents; undefined where one could not be drawn. */
  readonly plots: Readonly<Record<'curves' | 'confusion' | 'reliability', string | undefined>>;
  /** Of mistakes, by sample name. */
  readonly pictures: ReadonlyMap<string, MistakePictures>;
}

/** The report on a run: one HTML document that opens offline and loads nothing. */
export function reportHtml(contents: ReportContents): string {
  const { record, evaluation, skipped, files, plots } = contents;
  const { metrics } = evaluation;
  return page({
    title: `${nameOfData(record)}: ${percent(metrics.accuracy)} accuracy`,
    top: html`${lead(record)}\n${notices(record)}`,
    tiles: [...metricTiles(metrics, { own: true }), ...trainingTiles(record)],
    sections: [
      [
        'Summary',
        factTable('What was trained and how good it is', [
          ...metricFacts(metrics, 'Validation accuracy', { own: true }),
          ...trainingFacts(record),
        ]),
      ],
      ['Training', figure(plots.curves, { wide: true })],
      ...measured({ ...contents, classes: record.classes, on: 'the validation set', own: true }),
      ['Skipped files', skippedTable(skipped)],
      ['Arguments', argumentTable(record)],
      ['Times', timingTable(record)],
      ['Files', fileTable(record, files)],
    ],
  });
}

export interface EvaluationReportContents
  extends Pick<ReportContents, 'evaluation' | 'skipped' | 'pictures'> {
  readonly record: RunFacts;
  /** The run folder, and the folder or file that it was measured on. */
  readonly run: string;
  readonly data: string;
  /** What is answered where less probable images are not. */
  readonly selective?: Selective | undefined;
  readonly plots: Omit<ReportContents['plots'], 'curves'> & {
    readonly coverage?: string | undefined;
  };
}

/** The report on a run that was measured on other data. */
export function evaluationReportHtml(contents: EvaluationReportContents): string {
  const { record, run, data, evaluation, selective, plots, skipped } = contents;
  const { metrics } = evaluation;
  const { backbone, classes } = record;
  return page({
    title: `${lastOf(run)} on ${lastOf(data)}: ${percent(metrics.accuracy)} accuracy`,
    top: html`<p class="lead">The run ${run}, measured on ${plural(metrics.samples, 'image')} of ${data}.</p>
${backbone?.untrained ? untrainedNotice(backbone.name) : html``}${fewImages(metrics.samples, classes.length)}`,
    tiles: metricTiles(metrics),
    sections: [
      ['Summary', factTable('How good it is', metricFacts(metrics, 'Accuracy'))],
      ...measured({ ...contents, classes, on: data, own: false }),
      ...(selective ? [['Coverage', coverage(selective, plots.coverage)] as const] : []),
      ['Skipped files', skippedTable(skipped)],
      ['Run', factTable('How it was trained', trainingFacts(record))],
    ],
  });
}

type Section = readonly [title: string, content: Markup];

/** What is shown of a classification, whatever it was measured on. */
function measured(
  contents: Pick<EvaluationReportContents, 'evaluation' | 'pictures' | 'plots'> & {
    readonly classes: readonly string[];
    readonly on: string;
    /** It is the validation set, on which the temperature was fitted. */
    readonly own: boolean;
  },
): Section[] {
  const { evaluation, pictures, plots, classes, on, own } = contents;
  const pairs = pairTable(evaluation.confusion, classes);
  const matrix =
    classes.length > mostPlotted
      ? html`<p>A plot of ${classes.length} classes cannot be read: predictions.csv has every image.</p>`
      : figure(plots.confusion);
  return [
    ['Classes', classTable(evaluation.metrics, on)],
    ['Confusion', html`<div class="side">${matrix}${pairs}</div>`],
    ['Calibration', calibration(evaluation, plots.reliability, own)],
    ['Mistakes', mistakeSection(evaluation, classes, pictures)],
  ];
}

interface Page {
  readonly title: string;
  readonly top: Markup;
  readonly tiles: Parameters<typeof tileList>[0];
  readonly sections: readonly Section[];
}

function page({ title, top, tiles, sections }: Page): string {
  const links = sections.map(([title]) => html`<a href="#${anchor(title)}">${title}</a>\n`);
  const body = html`${top}
${tileList(tiles)}
<nav aria-label="Sections">${links}</nav>
${sections.map(section)}`;
  return pageDocument({ title, body, style: reportStyle });
}

function anchor(title: string): string {
  return title.toLowerCase().replace(/\W+/g, '-');
}

function section([title, content]: Section): Markup {
  return html`<section id="${anchor(title)}"><h2>${title}</h2>
${content}
</section>
`;
}

function figure(svg: string | undefined, { wide = false } = {}): Markup {
  if (svg === undefined) return html`<p class="notice">This plot could not be drawn.</p>`;
  return html`<figure${trusted(wide ? ' class="wide"' : '')}>${trusted(svg)}</figure>`;
}

function calibration(
  { metrics, reliability, uncalibratedReliability }: Evaluation,
  plot: string | undefined,
  own: boolean,
): Markup {
  const { temperature, calibrationError, uncalibrated, accuracy } = metrics;
  const sure = percent(meanConfidence(reliability));
  const before = percent(meanConfidence(uncalibratedReliability));
  const how =
    temperature === 1
      ? html`<p>The run is not calibrated: probabilities are the head's own. Their mean is ${sure}, and
${percent(accuracy)} of the images are classified correctly.</p>`
      : html`<p>Probabilities are calibrated by a temperature of ${temperature.toFixed(3)}, fitted on the
run's validation set. Labels are the same. The mean probability of the class called is ${sure} (as trained
${before}), and ${percent(accuracy)} of the images are classified correctly. ${
          own
            ? html`The calibration error of these images means little, because the temperature was fitted on
them: measure it on other images.`
            : html`The calibration error is ${percent(calibrationError)} with the temperature and
${percent(uncalibrated.calibrationError)} without.`
        }</p>`;
  return html`<div class="side">${figure(plot)}<div>${how}
<p>Of the images with a probability of 80 %, 80 of 100 should be classified correctly: then the points lie
on the dashed diagonal. Below it, probabilities are too high; above it, too low. The bars show how many
images stand behind each point.</p></div></div>`;
}

function coverage(selective: Selective, plot: string | undefined): Markup {
  const { threshold, answered, coverage: share, error, interval, areaUnderCurve } = selective;
  const [low, high] = interval ?? [0, 1];
  const how =
    error === null || threshold === null
      ? html`<p>No image is answered.</p>`
      : html`<p>Where images with a probability below ${threshold} are called unknown, ${percent(share)} of
them are answered (${answered}), and ${percent(error)} of the answers are wrong (95 % interval ${percent(low)}
to ${percent(high)}).</p>`;
  return html`<div class="side">${figure(plot)}<div>${how}
<p>The curve has the error of the answers, by the share of images that are answered, the surest first. Its mean
over all shares is ${percent(areaUnderCurve)}; the lower it is, the better the probabilities tell right answers
from wrong ones.</p></div></div>`;
}
