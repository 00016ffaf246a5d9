import type { SkippedFile } from '../dataset/index.ts';
import { type Evaluation, worstMistakes } from '../evaluate/index.ts';
import { type HtmlValue, html, type Markup, pageDocument, table, trusted } from '../page/index.ts';
import type { RunFile, RunRecord } from './record.ts';

export interface ReportContents {
  readonly record: Omit<RunRecord, 'format' | 'version' | 'files'>;
  readonly evaluation: Evaluation;
  readonly skipped: readonly SkippedFile[];
  readonly files: Readonly<Record<string, RunFile>>;
  /** SVG documents. */
  readonly plots: { readonly curves: string; readonly confusion: string };
}

const mostMistakes = 50;
const mostSkipped = 200;

/** The report on a run: one HTML document that opens offline and loads nothing. */
export function reportHtml(contents: ReportContents): string {
  const { record, evaluation, skipped, plots } = contents;
  const title = `Headstart run: ${record.classes.length} classes, ${percent(evaluation.metrics.accuracy)}`;
  const body = html`${notices(record)}
${summary(contents)}
${section('Training', html`<figure>${trusted(plots.curves)}</figure>`)}
${section('Confusion', html`<figure>${trusted(plots.confusion)}</figure>`)}
${section('Classes', classTable(evaluation))}
${section('Worst mistakes', mistakes(contents))}
${section('Skipped files', skippedFiles(skipped))}
${section('Arguments', argumentTable(record))}
${section('Times', timingTable(record))}
${section('Files', fileTable(contents))}`;
  return pageDocument({ title, body });
}

function section(title: string, body: Markup): Markup {
  return html`<section><h2>${title}</h2>
${body}
</section>`;
}

/** What a reader must know before the numbers. */
function notices({ backbone, data }: ReportContents['record']): Markup {
  const untrained = backbone?.untrained
    ? html`<p class="notice" role="note"><strong>Untrained backbone.</strong> The backbone
${backbone.name} has random weights, so its features say little about photographs. Accuracy with
trained weights is usually far higher: run <code>headstart pull</code> and train again.</p>`
    : html``;
  const warnings = data.warnings.map(
    (warning) => html`<p class="notice" role="note"><strong>Warning.</strong> ${warning}</p>`,
  );
  return html`${untrained}${warnings}`;
}

function summary({ record, evaluation }: ReportContents): Markup {
  const { metrics } = evaluation;
  const { result, data, backbone, head, device } = record;
  const [low, high] = metrics.interval;
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
    ['Log-loss', metrics.logLoss.toFixed(4)],
    ['Calibration error', percent(metrics.calibrationError)],
    ['F1, mean of classes', metrics.macro.f1.toFixed(4)],
    ...metrics.topK
      .filter(({ k }) => k > 1)
      .map(({ k, accuracy }): [string, HtmlValue] => [`Top-${k} accuracy`, percent(accuracy)]),
    ['Epochs', `${result.epochs} (${stopped}); ${kept}`],
    ['Training samples', data.trainSamples],
    ['Validation samples', `${data.validationSamples} (from: ${data.validationFrom})`],
    ['Data', data.root],
    [
      'Backbone',
      backbone ? `${backbone.name}, preprocessing ${backbone.preprocessing}` : 'unknown',
    ],
    ['Head', `${head.name}, ${head.parameterCount.toLocaleString('en')} parameters`],
    ['Devices', `features: ${device.extraction ?? 'none'}; head: ${device.training}`],
    ['Made', record.created],
  ];
  return section('Summary', factTable('What was trained and how good it is', facts));
}

function factTable(caption: string, facts: readonly (readonly [string, HtmlValue])[]): Markup {
  const rows = facts.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`,
  );
  return html`<div class="scroll"><table class="facts"><caption>${caption}</caption><tbody>${rows}</tbody></table></div>`;
}

function classTable({ metrics }: Evaluation): Markup {
  const score = (value: number | null) => (value === null ? 'no samples' : value.toFixed(3));
  const number = (title: string) => ({ title, numeric: true });
  const rows: HtmlValue[][] = metrics.classes.map((c) => [
    c.name,
    c.precision.toFixed(3),
    score(c.recall),
    score(c.f1),
    c.support,
    c.predicted,
  ]);
  const { macro, weighted } = metrics;
  for (const [name, mean] of [
    ['Mean of classes', macro],
    ['Mean by support', weighted],
  ] as const) {
    const { precision, recall, f1 } = mean;
    rows.push([
      name,
      precision.toFixed(3),
      recall.toFixed(3),
      f1.toFixed(3),
      metrics.samples,
      metrics.samples,
    ]);
  }
  const columns = ['Precision', 'Recall', 'F1', 'Samples', 'Called so'].map(number);
  return table('Each class on the validation set', [{ title: 'Class' }, ...columns], rows);
}

function mistakes({ evaluation, record }: ReportContents): Markup {
  const worst = worstMistakes(evaluation.predictions, mostMistakes);
  if (worst.length === 0)
    return html`<p>None: every validation sample is classified correctly.</p>`;
  const columns = [
    { title: 'File' },
    { title: 'True class' },
    { title: 'Called' },
    { title: 'Probability', numeric: true },
    { title: 'Of true class', numeric: true },
  ];
  const rows = worst.map((p) => [
    p.name,
    record.classes[p.label] as string,
    record.classes[p.predicted] as string,
    p.probability.toFixed(3),
    p.labelProbability.toFixed(3),
  ]);
  return table('Wrong classifications, the surest first', columns, rows);
}

function skippedFiles(skipped: readonly SkippedFile[]): Markup {
  if (skipped.length === 0) return html`<p>None: every file was used.</p>`;
  const rows = skipped.slice(0, mostSkipped).map(({ path, reason }) => [path, reason]);
  const left = skipped.length - rows.length;
  const more = left > 0 ? html`<p>${left} more are in skipped.csv.</p>` : html``;
  const columns = [{ title: 'File' }, { title: 'Reason' }];
  return html`${table(`${skipped.length} files were not used`, columns, rows)}${more}`;
}

function argumentTable(record: ReportContents['record']): Markup {
  const facts = Object.entries(record.arguments).map(([name, value]) => {
    const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'not given');
    return [name, text] as const;
  });
  const { headstart, node, platform } = record.software;
  const versions = `Headstart ${headstart}, Node ${node}, ${platform}`;
  return factTable('What the run was started with', [...facts, ['Software', versions]]);
}

function timingTable({ timing, result }: ReportContents['record']): Markup {
  return factTable('Seconds', [
    ['Features', timing.featuresSeconds.toFixed(2)],
    [`Training, ${result.epochs} epochs`, timing.trainSeconds.toFixed(2)],
    ['One epoch', timing.secondsPerEpoch.toFixed(4)],
    ['Everything', timing.totalSeconds.toFixed(2)],
  ]);
}

function fileTable({ record, files }: ReportContents): Markup {
  const rows = Object.entries(files).map(([name, { bytes, sha256 }]) => [
    name,
    bytes.toLocaleString('en'),
    html`<code>${sha256}</code>`,
  ]);
  if (record.backbone) {
    rows.push(['(backbone file)', '', html`<code>${record.backbone.sha256}</code>`]);
  }
  const columns = [{ title: 'File' }, { title: 'Bytes', numeric: true }, { title: 'SHA-256' }];
  return table('The run folder', columns, rows);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
