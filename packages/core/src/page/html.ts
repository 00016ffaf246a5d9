const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text made safe for HTML and SVG, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character] as string);
}

/**
 * Text or markup with escapes (`\x1b`, `\uffff`) for the characters that XML 1.0 does not allow:
 * one of them spoils a whole SVG document. Tab and line breaks stay.
 */
export function visible(text: string): string {
  return text.replace(notXml, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`;
  });
}

/** Also C1 controls, which XML allows and no page shows, and halves of surrogate pairs. */
const notXml = /[^\t\n\r\u{20}-\u{7e}\u{a0}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** Markup that needs no escaping any more. */
export interface Markup {
  readonly markup: string;
}

export type HtmlValue = string | number | Markup | readonly HtmlValue[];

/**
 * Builds markup; what is put in is escaped unless it is markup itself.
 *
 * @example
 * html`<td>${fileName}</td>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Markup {
  const markup = parts.reduce((text, part, i) => text + render(values[i - 1] as HtmlValue) + part);
  return { markup };
}

function render(value: HtmlValue): string {
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  if ('markup' in value) return value.markup;
  return value.map(render).join('');
}

/** Markup from a source that is known to be safe. */
export function trusted(markup: string): Markup {
  return { markup };
}

/** A table; the first column heads its rows. `numeric` columns are set to the right. */
export function table(
  caption: string,
  columns: readonly { readonly title: string; readonly numeric?: boolean }[],
  rows: readonly (readonly HtmlValue[])[],
): Markup {
  const kind = (i: number) => trusted(columns[i]?.numeric ? ' class="number"' : '');
  const head = columns.map(({ title }, i) => html`<th scope="col"${kind(i)}>${title}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((cell, i) =>
      i === 0 ? html`<th scope="row">${cell}</th>` : html`<td${kind(i)}>${cell}</td>`,
    );
    return html`<tr>${cells}</tr>\n`;
  });
  return html`<div class="scroll"><table><caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}
