/** Rules of the report beside those of every page. */
export const reportStyle = `
.lead { font-size: 1.05rem; color: var(--muted); margin-top: -.4rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem; max-width: none; }
.tiles .name { display: block; color: var(--muted); font-size: .85rem; }
.tiles .value { display: block; font-size: 1.6rem; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tiles .note { display: block; color: var(--muted); font-size: .85rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; padding: .6rem 0; border-block: 1px solid var(--line); font-size: .95rem; }
figure.wide svg { min-width: 38rem; }
.side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem 2rem; align-items: start; }
.bar { display: inline-block; width: 4.5rem; height: .55rem; margin-right: .6rem; border-radius: .2rem; background: linear-gradient(to right, var(--first) calc(100% * var(--share)), var(--line) 0); }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 29rem), 1fr)); gap: 1rem; }
.mistakes + .scroll { margin-top: 1.5rem; }
.mistake { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem; break-inside: avoid; overflow: visible; }
.mistake .pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem; align-items: start; font-size: .8rem; color: var(--muted); line-height: 1.35; }
.mistake img { display: block; max-width: 100%; height: auto; border-radius: .25rem; margin-bottom: .2rem; }
.mistake figcaption { margin-top: .5rem; font-size: .9rem; overflow-wrap: anywhere; }
.mistake figcaption strong { font-weight: 650; }
.scale { display: inline-block; width: 7rem; height: .7rem; border-radius: .2rem; vertical-align: baseline; margin: 0 .3rem; background: linear-gradient(to right, #8a8a8a, rgb(120 28 109), rgb(187 55 84), rgb(237 105 37), rgb(251 180 26), rgb(252 255 164)); }
td code { word-break: break-all; }
@media print { nav { display: none; } h2 { break-after: avoid; } }
`;
