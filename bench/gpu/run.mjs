// Times training steps on the GPU here and in PyTorch, in turn, in one run, and prints tables:
//
//   node bench/gpu/run.mjs [PYTHON] [rounds]
//
// PYTHON is an interpreter with a PyTorch that has CUDA (default python3).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [python = 'python3', rounds = '3'] = process.argv.slice(2);
const { heads } = JSON.parse(readFileSync(new URL('setting.json', import.meta.url), 'utf8'));

function call(file, args) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const program = file.endsWith('.py') ? python : process.execPath;
  const text = execFileSync(program, [path, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(text);
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const contestants = [
  ['pytorch.py', ['eager']],
  ['pytorch.py', ['graphs']],
  ['headstart.mjs', ['fp32']],
  ['headstart.mjs', ['tf32']],
  ['headstart.mjs', ['bf16']],
  ['headstart.mjs', ['fp32', String(heads)]],
  ['headstart.mjs', ['tf32', String(heads)]],
  ['headstart.mjs', ['bf16', String(heads)]],
];
const results = contestants.map(() => ({ times: [] }));
for (let round = 0; round < Number(rounds); round++) {
  contestants.forEach(([file, args], i) => {
    const { what, times } = call(file, args);
    results[i].what = what;
    results[i].times.push(...times);
  });
}
const [eager, graphs] = results.slice(0, 2).map(({ times }) => median(times));
console.log('\n**A step of the original head, batch 32, 7x7x512** (µs, median and fastest)\n');
console.log('| | median | fastest | steps of a head a second | of eager | of CUDA graphs |');
console.log('|---|---|---|---|---|---|');
results.forEach(({ what, times }, i) => {
  const each = i < 5 ? 1 : heads;
  const middle = median(times);
  const cells = [
    what,
    middle.toFixed(1),
    Math.min(...times).toFixed(1),
    Math.round((each * 1e6) / middle),
    `${((each * eager) / middle).toFixed(2)} x`,
    `${((each * graphs) / middle).toFixed(2)} x`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
});

// What a step must do at least: its products at the rate of a large product, or its bytes at the
// rate of a copy, whichever takes longer. Bytes: the batch's features in bfloat16, read forward and
// backward; weights read twice; gradients written and read; weights and moments read and written.
const limits = call('pytorch.py', ['limits']);
const parameters = 9 * 512 * 32 + 32 + 9 * 32 * 64 + 64 + 256 * 128 + 128 + 128 * 5 + 5;
const operations = 2 * 32 * (2 * 361 * 512 * 32 + 3 * 100 * 32 * 64 + 3 * (256 * 128 + 128 * 5));
const bytes = 2 * 32 * 7 * 7 * 512 * 2 + parameters * 4 * (2 + 2 + 6);
const microseconds = (amount, rate) => (1e6 * amount) / rate;
console.log(
  `\nThe floor of a step on ${limits.device}: ${(operations / 1e9).toFixed(2)} GFLOP, ` +
    `${(bytes / 1e6).toFixed(1)} MB (${microseconds(bytes, limits.bytes).toFixed(1)} µs)`,
);
['fp32', 'tf32', 'bf16'].forEach((compute, i) => {
  const floor = Math.max(
    microseconds(operations, limits[compute]),
    microseconds(bytes, limits.bytes),
  );
  const distance = median(results[2 + i].times) / floor;
  console.log(
    `${compute}: ${(limits[compute] / 1e12).toFixed(0)} TFLOP/s in a large product, floor ` +
      `${floor.toFixed(1)} µs; a step takes ${distance.toFixed(1)} times that`,
  );
});
