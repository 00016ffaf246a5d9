// How many labels that were flipped at random `audit` finds among its first images, beside rankings
// by the highest loss:
//
//   npx headstart features FOLDER --backbone B --out F.safetensors
//   node bench/study/audit.mjs F.safetensors [seeds]      20 by default
//
// 5 % of the labels are flipped, each to another class; the first 5 % of each ranking are looked at,
// so that recall and precision are the same number.

import {
  auditImages,
  crossValidateHeads,
  outOfFold,
  pooledSet,
} from '../../packages/core/dist/experiments/index.js';
import { readFeatureFile } from '../../packages/core/dist/features/index.js';
import { headPreset, predictHead, trainHead } from '../../packages/core/dist/head/index.js';

const share = 0.05;
const [file, seeds = '20'] = process.argv.slice(2);
const { set, classes } = await readFeatureFile(file);
const pooled = await pooledSet(set, {});
const { samples } = pooled;
const count = Math.round(share * samples.length);
const head = headPreset('linear');

/** Mulberry32 of Tommy Ettinger. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function flip(seed) {
  const random = generator(1000 + seed);
  const flipped = new Set();
  while (flipped.size < count) flipped.add(Math.floor(random() * samples.length));
  const other = (label) =>
    (label + 1 + Math.floor(random() * (classes.length - 1))) % classes.length;
  const noisy = samples.map((s, i) => (flipped.has(i) ? { ...s, label: other(s.label) } : s));
  return { flipped, images: { set: { ...pooled, samples: noisy }, classes } };
}

const byLabel = (probabilities, { set: { samples: noisy } }) =>
  noisy.map(({ label }, i) => probabilities[i * classes.length + label]);

const rankings = {
  'headstart audit': async (images, seed) => {
    const { images: audited } = await auditImages({
      images,
      head,
      folds: 5,
      repeats: 5,
      seed,
      similarity: 0.95,
      earlyStopping: { monitor: 'val_loss', patience: 5 },
    });
    return audited.map(({ index }) => index);
  },
  'highest loss of a head trained on all': async (images, seed) => {
    const trained = await trainHead({
      train: images.set,
      validation: images.set,
      classes,
      head,
      seed,
    });
    const { weights } = trained;
    const features = images.set;
    const probabilities = await predictHead({ features, head: trained.head, weights });
    return lowestFirst(byLabel(probabilities, images));
  },
  'highest loss in one cross-validation': async (images, seed) => {
    const { probabilities } = await outOfFold({
      images,
      head,
      folds: 5,
      repeats: 1,
      seed,
      stage: 'folds',
    });
    return lowestFirst(byLabel(probabilities[0], images));
  },
};

const lowestFirst = (values) => [...values.keys()].sort((a, b) => values[a] - values[b]);

const found = Object.fromEntries(Object.keys(rankings).map((name) => [name, []]));
for (let seed = 0; seed < Number(seeds); seed++) {
  const { flipped, images } = flip(seed);
  for (const [name, rank] of Object.entries(rankings)) {
    const first = (await rank(images, seed)).slice(0, count);
    found[name].push(first.filter((i) => flipped.has(i)).length);
  }
}
const { accuracy } = await crossValidateHeads({
  images: { set: pooled, classes },
  head,
  folds: 5,
  repeats: 1,
  seed: 0,
});
console.log(
  `${samples.length} images, ${count} labels flipped, ${seeds} seeds; cross-validation before: ${(100 * accuracy).toFixed(1)} %\n`,
);
console.log('| ranking | recall and precision in the first 5 % | found, by seed |\n|---|---|---|');
for (const [name, hits] of Object.entries(found)) {
  const mean = hits.reduce((a, b) => a + b) / hits.length;
  console.log(`| ${name} | ${((100 * mean) / count).toFixed(1)} % | ${hits.join(', ')} |`);
}
