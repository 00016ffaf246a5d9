// The whole job, from images to a trained model: the original Keras script, Keras and PyTorch on
// cached features, and Headstart, one after another on this machine.
//
//   npm run bench -- [--data FOLDER] [--python PYTHON] [--out FILE.json] [--plot FILE.svg] [--sample N]
//
// FOLDER has one folder a class, or train and validation folders; without it, the sample of traffic
// lights is drawn (N pictures a class, default 107: ten batches). PYTHON is an interpreter with
// the packages that bench/README.md names; a peer that is absent is said to be. Results go to
// bench/results/. Build first (npm run build).
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pullWeights } from '../packages/core/dist/backbone/index.js';
import { drawSample, linkData } from './job/data.mjs';
import { plot, table } from './job/table.mjs';
import { makeWeights } from './job/weights.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    out: { type: 'string' },
    plot: { type: 'string' },
    sample: { type: 'string', default: '107' },
  },
});
const place = mkdtempSync(join(tmpdir(), 'headstart-bench-'));
const at = (name) => join(place, name);

/** Runs a contestant, and gives what it prints; or why it cannot run. */
function call(name, args) {
  const isPython = name.endsWith('.py');
  const env = { ...process.env, BENCH_STARTED: String(Date.now() / 1000) };
  const program = isPython ? options.python : process.execPath;
  const { status, stdout, stderr, error } = spawnSync(program, [join(here, 'job', name), ...args], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const missing = /No module named '([^']+)'/.exec(stderr ?? '')?.[1];
  if (isPython && (error?.code === 'ENOENT' || missing)) {
    return { absent: missing ? `absent: no ${missing} in ${options.python}` : 'absent: no Python' };
  }
  if (status !== 0) throw new Error(`${name} failed: ${error?.message ?? stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

const folder = at('data');
const weights = at('vgg16-he-uniform.h5');
const contestants = [
  ['Keras, the original script', 'keras_script.py', [folder, weights], false],
  ['Keras, cached features', 'keras_cached.py', [folder, weights, at('keras.npz')], true],
  ['PyTorch, cached features', 'pytorch_cached.py', [folder, weights, at('torch.pt')], true],
  [
    'Headstart, cached features',
    'headstart.mjs',
    [folder, at('models'), at('plain'), 'plain'],
    true,
  ],
  [
    'Headstart, 4 augmented views',
    'headstart.mjs',
    [folder, at('models'), at('views'), 'views'],
    true,
  ],
];

/** The first model, and another one where features are kept in between. */
function contest([what, program, args, cached]) {
  console.error(`${what} …`);
  const first = call(program, args);
  if (first.absent) return { what, ...first };
  const next = cached ? call(program, args).firstModelSeconds : null;
  return { ...first, nextModelSeconds: next };
}

try {
  const source = options.data ? resolve(options.data) : at('sample');
  if (!options.data) await drawSample(source, Number(options.sample));
  const counts = await linkData(source, folder);
  await makeWeights(weights);
  await pullWeights({ from: weights, preprocess: 'rescale', modelsDir: at('models') });
  const name = options.data ? basename(source) : 'sample';
  const results = {
    date: new Date().toISOString(),
    data: { name, ...counts },
    machine: {
      cpu: cpus()[0].model,
      cores: cpus().length,
      memoryGigabytes: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform}-${process.arch}`,
    },
    weights: 'VGG16, He uniform, seed 1; pixels divided by 255',
    rows: contestants.map(([what]) => ({ what, absent: 'not run' })),
  };
  const out = resolve(options.out ?? join(here, 'results', `${name}.json`));
  mkdirSync(dirname(out), { recursive: true });
  // The original script takes longest: it comes last, and what was measured before is kept.
  for (const i of [...contestants.keys()].reverse()) {
    const loadBefore = loadavg()[0];
    results.rows[i] = { ...contest(contestants[i]), loadBefore };
    writeFileSync(out, `${JSON.stringify(results, null, 2)}\n`);
  }
  console.log(
    `${counts.train} training and ${counts.validation} validation images, ${counts.classes} classes\n`,
  );
  console.log(table(results));
  console.log(`\nWritten: ${out}`);
  if (options.plot) writeFileSync(options.plot, await plot(results));
} finally {
  rmSync(place, { recursive: true, force: true });
}
