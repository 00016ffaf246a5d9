import { colourVariables, plotColourRules } from './colours.ts';

/** The style sheet of pages: plain, light or dark as the reader has it, at any width and on paper. */
export const pageStyle = `
:root { color-scheme: light dark; ${colourVariables('light')} }
@media screen and (prefers-color-scheme: dark) { :root { ${colourVariables('dark')} } }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 2rem) 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p, li { max-width: 44rem; }
a { color: var(--first); }
figure { margin: 0; overflow-x: auto; }
figure svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .95rem; }
caption { text-align: left; color: var(--muted); padding-bottom: .3rem; }
th, td { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 600; }
tbody th { min-width: 7rem; }
.facts th { white-space: nowrap; padding-right: 1.5rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.muted { color: var(--muted); }
code { font: .85em/1.4 ui-monospace, monospace; }
.notice { border-left: 4px solid var(--warning); background: var(--warningPanel); padding: .6rem 1rem; max-width: none; }
${plotColourRules}
`;
