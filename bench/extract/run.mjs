// Images a second that features are computed of, here and in Keras, in turn, in one run:
//
//   node bench/extract/run.mjs FOLDER [PYTHON] [rounds]
//
// FOLDER has one folder a class, or train and test folders, of some hundred JPEG photographs; PYTHON
// is an interpreter with the packages that README.md names (default python3).
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [folder, python = 'python3', rounds = '3'] = process.argv.slice(2);
if (!folder) {
  console.error('error: give a folder of images.');
  process.exit(2);
}

function call(file, args) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const program = file.endsWith('.py') ? python : process.execPath;
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  return JSON.parse(execFileSync(program, [path, ...args], options));
}

const contestants = [
  ['features.mjs', [folder, 'fp32']],
  ['onnxruntime.mjs', ['fp32']],
  ['keras_predict.py', [folder]],
  ['features.mjs', [folder, 'int8']],
  ['onnxruntime.mjs', ['int8']],
];
// Makes the int8 backbone, which is kept.
call('features.mjs', [folder, 'int8']);
const results = contestants.map(() => ({ rates: [] }));
for (let round = 0; round < Number(rounds); round++) {
  contestants.forEach(([file, args], i) => {
    const { rate, ...rest } = call(file, args);
    Object.assign(results[i], rest);
    results[i].rates.push(rate);
  });
}
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const [ours, , , int8] = results.map(({ rates }) => median(rates));
console.log(`\n**Features of ${results[0].images} images** (images a second, median and best)\n`);
console.log('| | median | best | fp32 here is | int8 here is |\n|---|---|---|---|---|');
for (const { what, rates } of results) {
  const middle = median(rates);
  const ratios = [ours, int8].map((one) => `${(one / middle).toFixed(2)} x`);
  console.log(
    `| ${[what, middle.toFixed(1), Math.max(...rates).toFixed(1), ...ratios].join(' | ')} |`,
  );
}
const { median: error, largest, images } = results[3].featureError;
console.log(
  `\nPeak memory ${results[0].peakMegabytes.toFixed(0)} MB in fp32, ` +
    `${results[3].peakMegabytes.toFixed(0)} MB in int8. int8 changes features by ` +
    `${(100 * error).toFixed(1)} % (median of ${images} images, at most ${(100 * largest).toFixed(1)} %).`,
);
