/** The style sheet of pages: plain, light, readable at any width and on paper. */
export const pageStyle = `
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #1a1a1a; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
figure { margin: 0; overflow-x: auto; }
figure svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .95rem; }
caption { text-align: left; color: #555; padding-bottom: .3rem; }
th, td { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #e6e6e6; overflow-wrap: anywhere; }
th { font-weight: 600; }
.facts th { white-space: nowrap; padding-right: 1.5rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: .85em/1.4 ui-monospace, monospace; }
.notice { border-left: 4px solid #b35900; background: #fff4e5; padding: .6rem 1rem; }
`;
