// Times a training step of the original head here and in PyTorch, in turn, in one run:
//
//   node bench/head/run.mjs [PYTHON] [rounds]
//
// PYTHON is an interpreter with PyTorch (default python3). Both have the same number of threads.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { batchSize, epochs, samples, shape, threads } from './setting.mjs';

const [python = 'python3', rounds = '3'] = process.argv.slice(2);
const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const setting = [...shape, samples, batchSize, threads, epochs].map(String);
const contestants = [
  () => [process.execPath, [file('headstart.mjs')]],
  () => [python, [file('pytorch.py'), ...setting, 'default']],
  () => [python, [file('pytorch.py'), ...setting, 'channels_last']],
];

const times = new Map();
for (let round = 0; round < Number(rounds); round++) {
  for (const contestant of contestants) {
    const result = JSON.parse(execFileSync(...contestant(), { encoding: 'utf8' }));
    times.set(result.what, [...(times.get(result.what) ?? []), ...result.times]);
  }
}
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const ours = median([...times.values()][0]);
console.log(
  `One step: ${batchSize} x ${shape.join('x')}, ${threads} threads, median (fastest) in ms`,
);
for (const [what, values] of times) {
  const [middle, best] = [median(values), Math.min(...values)];
  console.log(
    `${what.padEnd(48)} ${middle.toFixed(2).padStart(7)} (${best.toFixed(2)})  ${(middle / ours).toFixed(2)} x ours`,
  );
}
