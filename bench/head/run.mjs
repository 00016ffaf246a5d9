// Times training steps here, in PyTorch and in Keras, in turn, in one run, and prints tables:
//
//   node bench/head/run.mjs [PYTHON] [rounds]
//
// PYTHON is an interpreter with the packages that README.md names (default python3). All have the
// same number of threads; bench/head/setting.json says how many, and what is trained.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [python = 'python3', rounds = '3'] = process.argv.slice(2);
const avx2 = {
  HEADSTART_CPU: 'avx2',
  ATEN_CPU_CAPABILITY: 'avx2',
  ONEDNN_MAX_CPU_ISA: 'AVX2',
  MKL_ENABLE_INSTRUCTIONS: 'AVX2',
};

/**
 * Multiplications and additions of a step of the original head, in units of 10^9: all that the
 * layers' definitions ask for, and those done here in float32, if gradients are such shares
 * of the windows of the two pools.
 */
function gigaflops([first, second]) {
  const dense = 3 * (256 * 128 + 128 * 5);
  // Nine taps over the pixels that each reaches, forward and backward.
  const plain = 2 * 361 * 512 * 32 + 3 * 100 * 32 * 64;
  // Forward, six products for four pixels of a row; backward, nine for each gradient.
  const done = (228 + 9 * 16 * first) * 512 * 32 + (2 * 100 + 9 * 4 * second) * 32 * 64;
  return [plain, done].map((products) => (2 * 32 * (products + dense)) / 1e9);
}

function call(file, args, environment = {}) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const program = file.endsWith('.py') ? python : process.execPath;
  const env = { ...process.env, ...environment };
  return JSON.parse(
    execFileSync(program, [path, ...args], {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Each contestant once a round; the first is compared with the others. */
function compare(title, unit, contestants) {
  const results = contestants.map(() => ({ times: [] }));
  for (let round = 0; round < Number(rounds); round++) {
    contestants.forEach(([file, args, environment], i) => {
      const { times, ...rest } = call(file, args, environment);
      Object.assign(results[i], rest);
      results[i].times.push(...times);
    });
  }
  const ours = median(results[0].times);
  console.log(`\n**${title}** (${unit}; median and fastest of ${results[0].times.length})\n`);
  console.log('| | median | fastest | times ours |\n|---|---|---|---|');
  for (const { what, times } of results) {
    const [middle, best] = [median(times), Math.min(...times)];
    const ratio = (middle / ours).toFixed(2);
    console.log(`| ${what} | ${middle.toPrecision(3)} | ${best.toPrecision(3)} | ${ratio} |`);
  }
  return results;
}

const peers = [
  ['pytorch.py', ['conv', 'default']],
  ['pytorch.py', ['conv', 'channels_last']],
  ['keras_fit.py', []],
];
const forced = (list) => list.map(([file, args]) => [file, args, avx2]);
const conv = ['headstart.mjs', ['conv', 'fp32']];
const best = call('pytorch.py', ['matmul', 'float32']).gigaflops;
const [fp32, torch] = compare('A step of the original head', 'ms', [conv, ...peers]);
const step = median(fp32.times) / 1000;
const [plain, done] = gigaflops(torch.gradientShares).map(
  (count) => `${Math.round((100 * count) / step / best)} %`,
);
console.log(
  `\nPyTorch multiplies two 2048 x 2048 matrices at ${best.toFixed(0)} GFLOP/s; a step here does ` +
    `${done} of that, and as much as ${plain} of it would do without the saved products. Gradients ` +
    `are not zero in ${torch.gradientShares.map((s) => `${Math.round(100 * s)} %`).join(' and ')} of the windows of the pools. Peak memory ${fp32.peakMegabytes.toFixed(0)} MB for ` +
    `${fp32.featureMegabytes.toFixed(0)} MB of features.`,
);
compare('The same with products in bfloat16', 'ms; the peers in float32', [
  ['headstart.mjs', ['conv', 'bf16']],
  ...peers,
]);
compare('The same with AVX2 forced on all sides', 'ms', forced([conv, ...peers.slice(0, 2)]));
compare('A step of each of 64 linear heads', 'ms', [
  ['headstart.mjs', ['linear', 'fp32']],
  ['pytorch.py', ['linear', 'default']],
]);
