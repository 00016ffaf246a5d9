import type { SkippedFile } from '../../dataset/index.ts';
import { type ConfusionMatrix, confusionCount, type Metrics } from '../../evaluate/index.ts';
import { type HtmlValue, html, type Markup, table } from '../../page/index.ts';
import type { RunFile } from '../record.ts';
import { score, seconds } from './format.ts';
import type { RunFacts } from './summary.ts';

const mostSkipped = 200;
const mostPairs = 10;

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
  const rows: HtmlValue[][] = classes.map((c) => [
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
  return table(`Each class on ${on}`, columns, rows);
}

function bar(share: number): Markup {
  return html`<span class="bar" style="--share:${share.toFixed(3)}" aria-hidden="true"></span>`;
}

/** The pairs of classes that are confused most. */
export function pairTable(matrix: ConfusionMatrix, names: readonly string[]): Markup {
  const pairs = names.flatMap((_, label) => {
    const support = names.reduce((sum, _, k) => sum + confusionCount(matrix, label, k), 0);
    return names
      .map((_, predicted) => ({ label, predicted, support }))
      .filter(({ predicted }) => predicted !== label)
      .map((pair) => ({ ...pair, count: confusionCount(matrix, label, pair.predicted) }))
      .filter(({ count }) => count > 0);
  });
  pairs.sort((a, b) => b.count - a.count);
  if (pairs.length === 0) return html``;
  const rows = pairs
    .slice(0, mostPairs)
    .map(({ label, predicted, count, support }) => [
      names[label] as string,
      names[predicted] as string,
      `${count} of ${support}`,
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
  const files = skipped.length === 1 ? '1 file was' : `${skipped.length} files were`;
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
    [`Training, ${result.epochs} epochs`, seconds(timing.trainSeconds)],
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
