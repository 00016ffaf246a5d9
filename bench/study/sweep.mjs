// The time of one `headstart sweep`, and of PyTorch training the same heads one after another, on the
// same features, for as many epochs as each head was trained here:
//
//   npx headstart features FOLDER --backbone B --no-augment --out F.safetensors
//   node bench/study/sweep.mjs F.safetensors F.validation.safetensors PYTHON [trials]     256 by default
//
// (the second file is F.test.safetensors where the folder has test/ and no validation/). PYTHON needs
// torch==2.13.0, numpy and safetensors. PyTorch trains twice: on the feature maps, as the heads say; and
// on features that are pooled once beforehand, where a head begins with pooling, as Headstart does it.
// Whole programs are compared with each other, and training with training. Each program runs three times, in
// turn; figures are those of its median run.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pooledSet, poolsFirst } from '#core/experiments';
import { readFeatureFile } from '#core/features';
import { FeatureStores, loadHeadSpec, tryHeads } from '#core/head';

const [train, validation, python = 'python3', trials = '256'] = process.argv.slice(2);
const threads = 2;
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'headstart-bench-'));

/** What a program prints, and the seconds that it took. */
function run(program, args) {
  const started = performance.now();
  const text = execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
  return { ...JSON.parse(text), whole: (performance.now() - started) / 1000 };
}

/** The run that took neither longest nor shortest. */
function median(program, runs) {
  const sorted = runs.toSorted((a, b) => a.whole - b.whole);
  console.log(`${program}: ${sorted.map(({ whole }) => whole.toFixed(1)).join(', ')} s`);
  return sorted[Math.floor(runs.length / 2)];
}

function sweep(seed, out) {
  return run(process.execPath, [
    ...[path('../../packages/cli/bin/headstart.js'), 'sweep', '--json'],
    ...['--features', train, '--val-features', validation, '--trials', trials],
    ...['--seed', `${seed}`, '--threads', `${threads}`, '--out', out],
  ]);
}

/** Seconds of each kind of head alone: all of its trials, each for as many epochs as it had. */
async function secondsByKind(finished) {
  const { set, classes } = await readFeatureFile(train);
  const { set: other } = await readFeatureFile(validation);
  const pooled = { train: await pooledSet(set, {}), validation: await pooledSet(other, {}) };
  const stores = new FeatureStores();
  const kinds = new Map();
  for (const name of new Set(finished.map(({ choice }) => choice.head))) {
    const own = finished.filter(({ choice }) => choice.head === name);
    const head = await loadHeadSpec(name);
    const maps = { train: set, validation: other };
    const options = { ...(poolsFirst(head) ? pooled : maps), head, classes, stores, threads };
    const heads = own.map(({ choice: { head: _, ...variation } }) => variation);
    const started = performance.now();
    await tryHeads({
      ...options,
      heads,
      earlyStopping: { enabled: false },
      diverged: 'stop',
      goOn: async (epoch, places) => places.filter((place) => epoch < own[place].epochs),
    });
    const seconds = (performance.now() - started) / 1000;
    const epochs = own.reduce((sum, one) => sum + one.epochs, 0);
    kinds.set(name, { heads: own.length, epochs, seconds });
  }
  stores[Symbol.dispose]();
  return kinds;
}

try {
  const out = join(folder, '0');
  const torch = (how) =>
    run(python, [path('pytorch_heads.py'), train, validation, join(out, 'sweep.json'), how]);
  const rounds = ['0', 'again', 'once more'].map((name) => ({
    ours: sweep(0, join(folder, name)),
    pooled: torch('pooled'),
    maps: torch('maps'),
  }));
  const [ours, pooled, maps] = ['ours', 'pooled', 'maps'].map((program) =>
    median(
      program,
      rounds.map((round) => round[program]),
    ),
  );
  const { finished } = JSON.parse(readFileSync(join(out, 'sweep.json'), 'utf8'));
  const kinds = await secondsByKind(finished);

  const epochs = finished.reduce((sum, one) => sum + one.epochs, 0);
  console.log(`${finished.length} heads, ${epochs} epochs in all, ${threads} threads each\n`);
  const row = (what, seconds, of) =>
    console.log(`| ${what} | ${seconds.toFixed(1)} | ${(seconds / of).toFixed(1)} |`);
  const rows = (title, own, seconds, ofTorch) => {
    console.log(`| ${title} | seconds | times ours |\n|---|---|---|`);
    row(own, seconds, seconds);
    row(`${maps.what}, on the feature maps`, ofTorch(maps), seconds);
    row(`${pooled.what}, features pooled beforehand`, ofTorch(pooled), seconds);
    console.log();
  };
  rows(
    'whole programs, from start to end',
    '`headstart sweep`: loading, trials, refit, plots, pages',
    ours.whole,
    ({ whole, warm }) => whole - warm,
  );
  rows('training alone', '`headstart sweep`: trials', ours.sweep_s, ({ seconds }) => seconds);
  console.log('| kind | heads | epochs | Headstart, s | PyTorch, pooled, s | times ours |');
  console.log('|---|---|---|---|---|---|');
  for (const [name, { heads, epochs: own, seconds }] of kinds) {
    const others = pooled.kinds[name];
    const figures = [heads, own, seconds.toFixed(2), others.toFixed(2)];
    console.log(`| ${name} | ${figures.join(' | ')} | ${(others / seconds).toFixed(1)} |`);
  }
  console.log('\n| seed | head of `train` | best, trained again |\n|---|---|---|');
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  for (const seed of [0, 1, 2, 3, 4]) {
    const { baseline, refit } = seed === 0 ? ours : sweep(seed, join(folder, `${seed}`));
    console.log(`| ${seed} | ${percent(baseline.accuracy)} | ${percent(refit.accuracy)} |`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
