import type { TopLevelSpec } from 'vega-lite';
import { colours } from './colours.ts';
import { escapeHtml, visible } from './html.ts';

/** Vega-Lite's own type has exact optional properties, which its data model does not need. */
export type Plot = Readonly<Record<string, unknown>>;

const text = { labelFontSize: 12, titleFontSize: 13, titleFontWeight: 600 };
const inks = { labelColor: colours.ink.light, titleColor: colours.ink.light };

/** Readable type, in colours that pages define: see {@link colours}. */
export const plotConfig: Plot = {
  background: colours.page.light,
  font: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  axis: {
    ...text,
    ...inks,
    gridColor: colours.line.light,
    domainColor: colours.muted.light,
    tickColor: colours.muted.light,
    titlePadding: 8,
  },
  legend: { ...text, ...inks, symbolStrokeWidth: 2.5 },
  title: { fontSize: 15, anchor: 'start', color: colours.ink.light },
  text: { color: colours.ink.light },
  view: { stroke: null },
};

const plotSchema = 'https://vega.github.io/schema/vega-lite/v6.json';

/**
 * Draws a Vega-Lite plot, with a title and a summary in words for readers who cannot see it. Needs no DOM
 * and no canvas. Vega takes a second to load, so it is loaded when a plot is drawn.
 *
 * @returns an SVG document
 */
export async function renderSvg(spec: Plot, title: string, summary: string): Promise<string> {
  const complete = { $schema: plotSchema, config: plotConfig, ...spec };
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const view = new vega.View(vega.parse(compile(complete as unknown as TopLevelSpec).spec), {
    renderer: 'none',
  });
  try {
    const svg = visible(await view.toSVG());
    const words = `<title>${escapeHtml(title)}</title><desc>${escapeHtml(summary)}</desc>`;
    const label = `role="img" aria-label="${escapeHtml(`${title}. ${summary}`)}"`;
    return svg.replace(/<svg([^>]*)>/, (_, attributes) => `<svg ${label}${attributes}>${words}`);
  } finally {
    view.finalize();
  }
}
