// How often the interval of `folds` holds the true accuracy, on drawn data whose accuracy is known
// from 20,000 fresh samples; beside it, intervals that others use:
//
//   node bench/study/coverage.mjs [repetitions]      200 by default, some two minutes
//
// "Of the heads": the mean accuracy of the heads of the folds themselves. "Of the procedure": its mean
// over all repetitions, so over other training sets too.
import { pathToFileURL } from 'node:url';
import { wilsonInterval } from '../../packages/core/dist/evaluate/index.js';
import {
  foldInterval,
  planFolds,
  trainExperimentHeads,
} from '../../packages/core/dist/experiments/index.js';
import { memoryFeatureSet } from '../../packages/core/dist/features/index.js';
import { headPreset, predictHead } from '../../packages/core/dist/head/index.js';

const folds = 5;
const classes = ['a', 'b', 'c'];
const dimensions = 20;

/** Mulberry32 of Tommy Ettinger: enough for drawn data. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function source(seed, separation) {
  const random = generator(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const means = classes.map(() =>
    Array.from({ length: dimensions }, () => (separation * normal()) / Math.sqrt(dimensions)),
  );
  return (count) => {
    const rows = new Float32Array(count * dimensions);
    const samples = Array.from({ length: count }, (_, i) => {
      const label = Math.floor(random() * classes.length);
      for (let d = 0; d < dimensions; d++) rows[i * dimensions + d] = means[label][d] + normal();
      return { name: `sample ${i}`, label, rows: [i] };
    });
    return memoryFeatureSet({ shape: [dimensions], samples, rows });
  };
}

async function accuracyOf({ head, weights }, features) {
  const probabilities = await predictHead({ features, head, weights });
  const right = features.samples.filter(({ label }, i) => {
    const own = probabilities.subarray(i * classes.length, (i + 1) * classes.length);
    return own.indexOf(Math.max(...own)) === label;
  });
  return right.length / features.samples.length;
}

async function repetition(draw, fresh, samples) {
  const set = draw(samples);
  const heads = planFolds(set.samples, { folds, repeats: 1, seed: 0 });
  const trained = await trainExperimentHeads({
    images: { set, classes },
    heads,
    stage: 'folds',
    head: headPreset('linear'),
    learningRate: 1e-2,
    epochs: 50,
    earlyStopping: { patience: 5, monitor: 'val_loss' },
  });
  const foldAccuracies = trained.map(({ test }) => test.accuracy);
  const right = heads.reduce(
    (sum, { testSamples }, i) => sum + Math.round(foldAccuracies[i] * testSamples.length),
    0,
  );
  let truth = 0;
  for (const head of trained) truth += (await accuracyOf(head, fresh)) / folds;
  return { right, foldAccuracies, truth, samples };
}

const t975 = 2.776; // Student's, 4 degrees of freedom
const about = ({ foldAccuracies }, factor) => {
  const mean = foldAccuracies.reduce((a, b) => a + b) / folds;
  const squares = foldAccuracies.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const half = t975 * Math.sqrt((factor * squares) / (folds - 1));
  return [mean - half, mean + half];
};
const intervals = {
  Headstart: ({ right, foldAccuracies, samples }) =>
    foldInterval({
      correct: Float64Array.from({ length: samples }, (_, i) => (i < right ? 1 : 0)),
      clusters: Array.from({ length: samples }, (_, i) => [i]),
      foldAccuracies,
      folds,
    }),
  'Wilson on pooled predictions': ({ right, samples }) => wilsonInterval(right, samples),
  'folds ± t · standard error (naive)': (one) => about(one, 1 / folds),
  'Nadeau and Bengio': (one) => about(one, 1 / folds + 1 / (folds - 1)),
};

/** One row an interval: shares of repetitions in which it holds the truth, and its mean width. */
export async function coverage({ repetitions, samples, separation = 2, seed = 1 }) {
  const draw = source(seed, separation);
  const fresh = draw(20_000);
  const all = [];
  for (let i = 0; i < repetitions; i++) all.push(await repetition(draw, fresh, samples));
  const procedure = all.reduce((sum, { truth }) => sum + truth, 0) / repetitions;
  return Object.entries(intervals).map(([name, of]) => {
    const bounds = all.map((one) => ({ interval: of(one), truth: one.truth }));
    const share = (test) => bounds.filter(test).length / repetitions;
    const holds = ([low, high], value) => low <= value && value <= high;
    return {
      name,
      procedure: share(({ interval }) => holds(interval, procedure)),
      conditional: share(({ interval, truth }) => holds(interval, truth)),
      width: bounds.reduce((sum, { interval }) => sum + interval[1] - interval[0], 0) / repetitions,
      accuracy: procedure,
    };
  });
}

async function main(repetitions) {
  const percent = (x) => `${(100 * x).toFixed(1)} %`;
  for (const [samples, separation] of [
    [60, 2],
    [150, 2],
    [300, 2],
    [300, 4],
  ]) {
    const rows = await coverage({ repetitions, samples, separation });
    console.log(
      `\n**${samples} samples, true accuracy ${percent(rows[0].accuracy)}, ${repetitions} repetitions**\n`,
    );
    console.log(
      '| interval of 95 % | holds the truth of the heads | of the procedure | mean width |',
    );
    console.log('|---|---|---|---|');
    for (const { name, conditional, procedure, width } of rows) {
      console.log(
        `| ${name} | ${percent(conditional)} | ${percent(procedure)} | ${percent(width)} |`,
      );
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(Number(process.argv[2] ?? 200));
}
