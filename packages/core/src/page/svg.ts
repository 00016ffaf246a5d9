import sharp from 'sharp';
import type { TopLevelSpec } from 'vega-lite';
import { colours } from './colours.ts';
import { escapeHtml } from './html.ts';

/** Vega-Lite's own type asks for exact optional properties that its data model does not need. */
export type Plot = Readonly<Record<string, unknown>>;

const text = { labelFontSize: 12, titleFontSize: 13, titleFontWeight: 600 };
const inks = { labelColor: colours.ink.light, titleColor: colours.ink.light };

/** Readable type, in colours that pages know: see {@link colours}. */
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
 * Draws a Vega-Lite plot, with a title and a summary in words for who cannot see it. Needs no DOM
 * and no canvas. Vega takes a second to load, so only who draws pays for it.
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
    const svg = await view.toSVG();
    const words = `<title>${escapeHtml(title)}</title><desc>${escapeHtml(summary)}</desc>`;
    const label = `role="img" aria-label="${escapeHtml(`${title}. ${summary}`)}"`;
    return svg.replace(/<svg([^>]*)>/, (_, attributes) => `<svg ${label}${attributes}>${words}`);
  } finally {
    view.finalize();
  }
}

/** Pixels of a PNG file for one of a plot: sharp on a screen of twice the density, and in print. */
const pngScale = 2;

/** A plot as a PNG file. */
export function renderPng(svg: string): Promise<Uint8Array> {
  const picture = sharp(Buffer.from(svg), { density: 72 * pngScale });
  return picture.png({ palette: true, effort: 1 }).toBuffer();
}
