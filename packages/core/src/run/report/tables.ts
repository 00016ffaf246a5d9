import { plural } from '../../base/plural.ts';
import type { SkippedFile } from '../../dataset/index.ts';
import {
  type ConfusionMatrix,
  confusionCells,
  hardestClasses,
  type Metrics,
} from '../../evaluate/index.ts';
import { type HtmlValue, html, type Markup, table } from '../../page/index.ts';
import type { RunFile } from '../record.ts';
import { score, seconds } from './format.ts';
import type { RunFacts } from './summary.ts';

const mostSkipped = 200;
const mostPairs = 10;
const mostClasses = 200;

export function factTable(
  caption: string,
  facts: readonly (readonly [string, HtmlValue])[],
): Markup {
  const rows = facts.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`,
  );
  return html`<div class="scroll"><table class="facts"><caption>${caption}</caption><tbody>${rows}</tbody></table></div>`;
}

/** The scores of each class, and their means. */
export function classTable({ classes, macro, weighted, samples }: Metrics, on: string): Markup {
  const shown = hardestClasses(classes, mostClasses);
  const rows: HtmlValue[][] = shown.map((c) => [
    c.name,
    ...(c.recall === null
      ? [score(c.precision), 'no samples', 'no samples']
      : [score(c.precision), score(c.recall), html`${bar(c.f1 ?? 0)}${score(c.f1)}`]),
    score(c.rocAuc),
    c.support,
    c.predicted,
  ]);
  for (const [name, mean] of [
    ['Mean of classes', macro],
    ['Mean by support', weighted],
  ] as const) {
    const { precision, recall, f1 } = mean;
    rows.push([
      name,
      score(precision),
      score(recall),
      html`${bar(f1)}${score(f1)}`,
      '',
      samples,
      samples,
    ]);
  }
  const titles = ['Precision', 'Recall', 'F1', 'ROC AUC', 'Samples', 'Called so'];
  const columns = [{ title: 'Class' }, ...titles.map((title) => ({ title, numeric: true }))];
  const caption =
    shown.length < classes.length
      ? `The ${shown.length} of ${classes.length} classes with the lowest F1 on ${on}; metrics.json has all`
      : `Each class on ${on}`;
  return table(caption, columns, rows);
}

function bar(share: number): Markup {
  return html`<span class="bar" style="--share:${share.toFixed(3)}" aria-hidden="true"></span>`;
}

/** The pairs of classes that are confused most. */
export function pairTable(matrix: ConfusionMatrix, names: readonly string[]): Markup {
  const pairs = [...confusionCells(matrix)].filter(({ label, predicted }) => label !== predicted);
  pairs.sort((a, b) => b.count - a.count);
  if (pairs.length === 0) return html``;
  const supportOf = (label: number) => matrix.counts[label]?.reduce((a, b) => a + b, 0);
  const rows = pairs
    .slice(0, mostPairs)
    .map(({ label, predicted, count }) => [
      names[label] as string,
      names[predicted] as string,
      `${count} of ${supportOf(label)}`,
    ]);
  const columns = [{ title: 'Is' }, { title: 'Was called' }, { title: 'How often', numeric: true }];
  return table('Confused most', columns, rows);
}

export function skippedTable(skipped: readonly SkippedFile[]): Markup {
  if (skipped.length === 0) return html`<p>None: every file was used.</p>`;
  const rows = skipped.slice(0, mostSkipped).map(({ path, reason }) => [path, reason]);
  const left = skipped.length - rows.length;
  const more = left > 0 ? html`<p>${left} more are in skipped.csv.</p>` : html``;
  const columns = [{ title: 'File' }, { title: 'Reason' }];
  const files = plural(skipped.length, 'file was', 'files were');
  return html`${table(`${files} not used`, columns, rows)}${more}`;
}

export function argumentTable(record: RunFacts): Markup {
  const facts = Object.entries(record.arguments).map(([name, value]) => {
    const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'not given');
    return [name, text] as const;
  });
  const { headstart, node, platform } = record.software;
  const versions = `Headstart ${headstart}, Node ${node}, ${platform}`;
  return factTable('What the run was started with', [...facts, ['Software', versions]]);
}

export function timingTable({ timing, result }: RunFacts): Markup {
  return factTable('Until the run folder was written', [
    ['Features', seconds(timing.featuresSeconds)],
    [`Training, ${plural(result.epochs, 'epoch')}`, seconds(timing.trainSeconds)],
    ['One epoch', `${(1000 * timing.secondsPerEpoch).toFixed(1)} ms`],
    ['Everything', seconds(timing.totalSeconds)],
  ]);
}

export function fileTable(record: RunFacts, files: Readonly<Record<string, RunFile>>): Markup {
  const rows: HtmlValue[][] = Object.entries(files).map(([name, { bytes, sha256 }]) => [
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
