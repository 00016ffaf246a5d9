import { plural } from '../../base/plural.ts';
import { type Evaluation, type SamplePrediction, worstMistakes } from '../../evaluate/index.ts';
import { html, type Markup, type Thumbnail, table } from '../../page/index.ts';
import type { MistakePictures } from '../mistake-pictures.ts';
import { percent } from './format.ts';

/** How many mistakes are shown with pictures, and how many in all: a report stays small. */
export const mostPictured = 18;
const mostMistakes = 60;

/** The surest mistakes: with pictures where there are some, the others in a table. */
export function mistakeSection(
  { predictions, metrics }: Evaluation,
  classes: readonly string[],
  pictures: ReadonlyMap<string, MistakePictures>,
): Markup {
  const worst = worstMistakes(predictions, mostMistakes);
  if (worst.length === 0) {
    return html`<p>None: every validation sample is classified correctly.</p>`;
  }
  const all = Math.round((1 - metrics.accuracy) * metrics.samples);
  const pictured = worst.filter(({ name }) => pictures.has(name));
  const rest = worst.filter(({ name }) => !pictures.has(name));
  const cards = pictured.map((p) => card(p, classes, pictures.get(p.name) as MistakePictures));
  return html`<p>${all} of ${plural(metrics.samples, 'sample')} classified wrongly, the surest first.
Mislabelled images are often among them.</p>
${pictured.some(({ name }) => pictures.get(name)?.heat) ? legend : html``}
<div class="mistakes">${cards}</div>
${rest.length > 0 ? mistakeTable(rest, classes) : html``}
${all > worst.length ? html`<p>All are in predictions.csv.</p>` : html``}`;
}

const legend = html`<p class="muted">Colour shows where the head saw signs of a class (Grad-CAM), from
none <span class="scale" role="img" aria-label="gray, violet, red, orange, yellow"></span> to most.</p>`;

function card(
  { name, label, predicted, probability, labelProbability }: SamplePrediction,
  classes: readonly string[],
  { picture, heat }: MistakePictures,
): Markup {
  const [is, called] = [classes[label] as string, classes[predicted] as string];
  const heats = heat
    ? html`<div>${image(heat.predicted, `Where ${called} was seen in ${name}`)}signs of ${called}</div>
<div>${image(heat.label, `Where ${is} was seen in ${name}`)}signs of ${is}</div>`
    : html``;
  return html`<figure class="mistake"><div class="pictures"><div>${image(picture, name)}</div>
${heats}</div>
<figcaption><strong>${is}</strong>, called <strong>${called}</strong> with ${percent(probability)}
(${is} ${percent(labelProbability)})<br><span class="muted">${name}</span></figcaption></figure>
`;
}

function image(thumbnail: Thumbnail, alt: string): Markup {
  if ('reason' in thumbnail) return html`<em>no picture: ${thumbnail.reason}</em>`;
  const { uri, width, height } = thumbnail;
  return html`<img src="${uri}" width="${width}" height="${height}" alt="${alt}">`;
}

function mistakeTable(mistakes: readonly SamplePrediction[], classes: readonly string[]): Markup {
  const columns = [
    { title: 'File' },
    { title: 'True class' },
    { title: 'Called' },
    { title: 'Probability', numeric: true },
    { title: 'Of true class', numeric: true },
  ];
  const rows = mistakes.map((p) => [
    p.name,
    classes[p.label] as string,
    classes[p.predicted] as string,
    percent(p.probability),
    percent(p.labelProbability),
  ]);
  return table('Wrong classifications, the surest first', columns, rows);
}
