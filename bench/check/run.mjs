// Images a second that `headstart check` reads, decodes and hashes, beside Pillow; and how long the
// search for near duplicates takes among many pictures, beside comparing all.
//
//   node bench/check/run.mjs FOLDER [PYTHON] [rounds]
//
// FOLDER has one folder a class, or train and test folders; PYTHON is an interpreter with
// pillow and scipy (default python3).
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fingerprints } from '../../packages/core/dist/check/fingerprint.js';
import { findNearDuplicates, hashRadius } from '../../packages/core/dist/check/near-duplicates.js';

const [folder, python = 'python3', rounds = '3'] = process.argv.slice(2);
if (!folder) {
  console.error('error: give a folder of images.');
  process.exit(2);
}

function call(file) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const program = file.endsWith('.py') ? python : process.execPath;
  return JSON.parse(execFileSync(program, [path, folder], { encoding: 'utf8' }));
}

const contestants = ['headstart_check.mjs', 'pillow_check.py'];
const results = contestants.map(() => ({ rates: [] }));
for (let round = 0; round < Number(rounds); round++) {
  contestants.forEach((file, i) => {
    const { rate, ...rest } = call(file);
    Object.assign(results[i], rest);
    results[i].rates.push(rate);
  });
}
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
console.log(`**Decoding and hashing ${results[0].images} images** (images a second)\n`);
console.log('| | median | best |\n|---|---|---|');
for (const { what, rates } of results) {
  console.log(`| ${what} | ${median(rates).toFixed(0)} | ${Math.max(...rates).toFixed(0)} |`);
}
console.log(`\nPeak memory of headstart check: ${results[0].peakMegabytes.toFixed(0)} MB\n`);

/** Pictures of smooth random colours; every tenth is the one before with noise. */
function drawnFingerprints(count) {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const size = 32;
  const draw = () => {
    const corners = Float64Array.from({ length: 6 * 6 * 3 }, () => next() * 250);
    return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size)].map(
        (v) => (v / size) * 5,
      );
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const at = (row, column) => corners[(row * 6 + column) * 3 + (i % 3)];
      const upper = at(top, left) * (1 - x + left) + at(top, left + 1) * (x - left);
      const lower = at(top + 1, left) * (1 - x + left) + at(top + 1, left + 1) * (x - left);
      return upper * (1 - y + top) + lower * (y - top);
    });
  };
  const fingerprints = new Fingerprints(count);
  let last = draw();
  for (let i = 0; i < count; i++) {
    const again = i % 10 === 9;
    const picture = again ? last.map((level) => level + next() * 5) : draw();
    fingerprints.set(i, picture);
    last = picture;
  }
  return fingerprints;
}

/** Seconds to compare the hashes of some pictures with those of all others. */
function bruteForce({ low, high, count }, some) {
  const ones = (bits) => {
    let x = bits - ((bits >>> 1) & 0x55555555);
    x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
    x = (x + (x >>> 4)) & 0x0f0f0f0f;
    return Math.imul(x, 0x01010101) >>> 24;
  };
  const started = performance.now();
  let found = 0;
  for (let i = 0; i < some; i++) {
    for (let j = 0; j < count; j++) {
      if (ones(low[i] ^ low[j]) + ones(high[i] ^ high[j]) <= hashRadius) found++;
    }
  }
  return found >= some ? (performance.now() - started) / 1000 : Number.NaN;
}

console.log('**Near duplicates, a tenth of the pictures** (seconds)\n');
console.log('| pictures | found | search | comparing all hashes (from 1,000) |\n|---|---|---|---|');
for (const count of [10_000, 100_000]) {
  const fingerprints = drawnFingerprints(count);
  const started = performance.now();
  let found = 0;
  await findNearDuplicates(fingerprints, () => found++);
  const seconds = (performance.now() - started) / 1000;
  const all = (bruteForce(fingerprints, 1000) * count) / 1000 / 2;
  console.log(`| ${count} | ${found} | ${seconds.toFixed(1)} | ${all.toFixed(1)} |`);
}
