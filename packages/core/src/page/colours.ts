/**
 * The colours of pages and plots, for a light and for a dark page. A plot is drawn in the light ones,
 * which stand in its SVG file; on a dark page the style sheet puts the dark ones in their place.
 *
 * `first` and `second` are of the palette that people with any colour vision can tell apart (Okabe
 * and Ito, 2008). Texts have a contrast of at least 4.5 to their background (WCAG 2.2, AA).
 */
export const colours = {
  page: { light: '#ffffff', dark: '#14161a' },
  ink: { light: '#1a1a1a', dark: '#e8e6e3' },
  muted: { light: '#5a5a5a', dark: '#a9a9a9' },
  line: { light: '#e1e1e1', dark: '#35393f' },
  panel: { light: '#f6f7f8', dark: '#1d2025' },
  first: { light: '#0072b2', dark: '#56b4e9' },
  second: { light: '#c04f00', dark: '#f0a04b' },
  share: { light: '#08519c', dark: '#3b8fd4' },
  warning: { light: '#b35900', dark: '#f0a04b' },
  warningPanel: { light: '#fff4e5', dark: '#2e2312' },
} as const;

export type ColourName = keyof typeof colours;

const names = Object.keys(colours) as ColourName[];

/** `--ink: #1a1a1a; …` */
export function colourVariables(mode: 'light' | 'dark'): string {
  return names.map((name) => `--${name}: ${colours[name][mode]};`).join(' ');
}

/** Rules that put the page's colours in the place of those that plots were drawn in. */
export const plotColourRules = names
  .flatMap((name) =>
    ['fill', 'stroke'].map(
      (property) => `svg [${property}="${colours[name].light}"] { ${property}: var(--${name}); }`,
    ),
  )
  .join('\n');
