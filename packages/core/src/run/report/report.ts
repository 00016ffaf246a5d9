import type { SkippedFile } from '../../dataset/index.ts';
import type { Evaluation } from '../../evaluate/index.ts';
import { html, type Markup, pageDocument, trusted } from '../../page/index.ts';
import type { MistakePictures } from '../mistake-pictures.ts';
import type { RunFile } from '../record.ts';
import { percent } from './format.ts';
import { mistakeSection } from './mistakes.ts';
import { reportStyle } from './style.ts';
import { lead, nameOfData, notices, type RunFacts, summaryTable, tiles } from './summary.ts';
import {
  argumentTable,
  classTable,
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
  /** SVG documents. */
  readonly plots: {
    readonly curves: string;
    readonly confusion: string;
    readonly reliability: string;
  };
  /** Of mistakes, by sample name. */
  readonly pictures: ReadonlyMap<string, MistakePictures>;
}

/** The report on a run: one HTML document that opens offline and loads nothing. */
export function reportHtml(contents: ReportContents): string {
  const { record, evaluation, skipped, files, plots, pictures } = contents;
  const { metrics, confusion } = evaluation;
  const sections: [string, Markup][] = [
    ['Summary', summaryTable(record, evaluation)],
    ['Training', html`<figure class="wide">${trusted(plots.curves)}</figure>`],
    ['Classes', classTable(metrics)],
    [
      'Confusion',
      html`<div class="side">${figure(plots.confusion)}${pairTable(confusion, record.classes)}</div>`,
    ],
    ['Calibration', calibration(contents)],
    ['Mistakes', mistakeSection(evaluation, record.classes, pictures)],
    ['Skipped files', skippedTable(skipped)],
    ['Arguments', argumentTable(record)],
    ['Times', timingTable(record)],
    ['Files', fileTable(record, files)],
  ];
  const links = sections.map(([title]) => html`<a href="#${anchor(title)}">${title}</a>\n`);
  const body = html`${lead(record)}
${notices(record)}
${tiles(record, evaluation)}
<nav aria-label="Sections">${links}</nav>
${sections.map(([title, content]) => section(title, content))}`;
  const title = `${nameOfData(record)}: ${percent(metrics.accuracy)} accuracy`;
  return pageDocument({ title, body, style: reportStyle });
}

function anchor(title: string): string {
  return title.toLowerCase().replace(/\W+/g, '-');
}

function section(title: string, body: Markup): Markup {
  return html`<section id="${anchor(title)}"><h2>${title}</h2>
${body}
</section>
`;
}

function figure(svg: string): Markup {
  return html`<figure>${trusted(svg)}</figure>`;
}

function calibration({ evaluation, plots }: ReportContents): Markup {
  const { temperature, calibrationError, uncalibrated } = evaluation.metrics;
  const how =
    temperature === 1
      ? html`<p>The run is not calibrated: probabilities are the head's own.</p>`
      : html`<p>Probabilities are calibrated by a temperature of ${temperature.toFixed(3)}, fitted on the
validation set: the head as trained was too ${temperature > 1 ? 'sure' : 'unsure'} of itself. The
calibration error went from ${percent(uncalibrated.calibrationError)} to
${percent(calibrationError)}. Labels are the same with and without.</p>`;
  return html`<div class="side">${figure(plots.reliability)}<div>${how}
<p>Where the classifier is 80 % sure it should be right in 80 of 100 cases: then the curve lies on
the dashed diagonal. Below it, the classifier is too sure; above it, not sure enough. The bars say
how many samples stand behind each point.</p></div></div>`;
}
