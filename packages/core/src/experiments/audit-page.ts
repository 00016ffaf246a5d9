import { plural } from '../base/plural.ts';
import { html, type Markup, pageDocument, table, trusted } from '../page/index.ts';
import { auditPageScript } from './audit-page-script.ts';

/** One picture to be decided on. */
export interface AuditPageItem {
  readonly hash: string;
  readonly file: string;
  readonly label: string;
  readonly suggested: string;
  readonly labelProbability: number;
  readonly suggestedProbability: number;
  /** Why it is shown: `label`, `outlier` or `duplicate`. */
  readonly reason: 'label' | 'outlier' | 'duplicate';
  /** Files of the same bytes have other labels: to keep its label is to give it to all of them. */
  readonly disputed?: boolean | undefined;
  /** Of a duplicate, the picture that it is like. */
  readonly like?: string | undefined;
  readonly similarity?: number | undefined;
  /** `data:` URI, or none where the picture cannot be drawn. */
  readonly thumbnail?: string | undefined;
  readonly likeThumbnail?: string | undefined;
}

export interface AuditPageContents {
  readonly data: string;
  readonly classes: readonly string[];
  readonly items: readonly AuditPageItem[];
  /** Corrections that the audit was given, which what the page saves begins with. */
  readonly earlier: readonly {
    readonly hash: string;
    readonly file: string;
    readonly action: string;
    readonly label: string;
  }[];
  readonly images: number;
  readonly suspicious: number;
  readonly outliers: number;
  readonly nearDuplicates: number;
  /** Estimated numbers of labels of each class (row) that are really of each other (column). */
  readonly joint: readonly (readonly number[])[];
  /** The command to go on with. */
  readonly nextCommand: string | undefined;
}

const style = `
.bar { position: sticky; top: 0; background: var(--page); border-bottom: 1px solid var(--line); padding: .5rem 0; display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; z-index: 1; }
.bar button, .card button, .card select { font: inherit; padding: .2rem .7rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; margin: 1rem 0; padding: 0; list-style: none; }
.card { border: 2px solid var(--line); border-radius: 6px; padding: .6rem; }
.card[aria-current="true"] { border-color: var(--first); box-shadow: 0 0 0 3px color-mix(in srgb, var(--first) 30%, var(--page)); }
.card[data-action="keep"] { background: color-mix(in srgb, #2e9e44 12%, var(--page)); }
.card[data-action="relabel"] { background: var(--warningPanel); }
.card[data-action="remove"] { background: color-mix(in srgb, #e0452f 14%, var(--page)); }
.card .pictures { display: flex; gap: .4rem; min-height: 8rem; align-items: center; justify-content: center; }
.card img { max-width: 100%; max-height: 12rem; }
.card .pictures img + img { opacity: .85; }
.card .pictures:has(img + img) img { max-width: 48%; }
.card .file { font-size: .8rem; color: var(--muted); overflow-wrap: anywhere; }
.card .state { font-weight: 600; min-height: 1.5em; }
kbd { border: 1px solid var(--muted); border-bottom-width: 2px; border-radius: 3px; padding: 0 .3em; font-size: .85em; }
`;

/**
 * A page of pictures to go through with the keyboard. It opens offline; what is decided stays in the
 * browser and is saved as `corrections.csv`.
 */
export function auditPage(contents: AuditPageContents): string {
  const { data, classes, items, earlier, joint } = contents;
  const { images, suspicious, outliers, nearDuplicates } = contents;
  const script = `const audit = ${inScript({ data, classes, items, earlier })};\n${auditPageScript}`;
  const rows = joint.map((row, given) => [
    classes[given] as string,
    ...row.map((count, other) => (other === given ? '–' : count.toFixed(1))),
  ]);
  const columns = [
    { title: 'Label' },
    ...classes.map((name) => ({ title: `really ${name}`, numeric: true })),
  ];
  const body = html`<p>${plural(images, 'image')}: ${plural(suspicious, 'label')} may be wrong, ${plural(outliers, 'picture')}
like no other, ${plural(nearDuplicates, 'pair')} nearly the same.</p>
<p>Keys: <kbd>←</kbd> <kbd>→</kbd> move, <kbd>K</kbd> keep the label, <kbd>R</kbd> relabel as suggested,
<kbd>1</kbd>–<kbd>9</kbd> relabel as the class of that number, <kbd>X</kbd> remove the image,
<kbd>U</kbd> undo, <kbd>S</kbd> save corrections.csv.${nextStep(contents)}</p>
<p>${classes.slice(0, 9).map((name, i) => html`<kbd>${i + 1}</kbd> ${name} `)}</p>
<div class="bar" role="toolbar"><label>Show <select id="filter"><option value="">all</option>
<option value="label">wrong labels?</option><option value="outlier">like no other</option>
<option value="duplicate">near duplicates</option></select></label>
<span id="count" role="status"></span>
<button id="save" type="button">Save corrections.csv</button></div>
<ol class="cards" id="cards"></ol>
<noscript><p class="notice">This page needs JavaScript to show the pictures.</p></noscript>
<h2>How many labels are wrong</h2>
${joint.length <= 30 ? table('Estimated number of images by label and true class', columns, rows) : trusted('')}`;
  return pageDocument({ title: `Audit of ${data}`, body, style, script });
}

function nextStep({ nextCommand }: AuditPageContents): Markup {
  return nextCommand === undefined ? html`` : html` Then: <code>${nextCommand}</code>`;
}

/** JSON that no markup can be hidden in. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
