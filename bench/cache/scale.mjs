// The feature cache of one or more checkouts beside each other, at the size of a large data set. Each
// must be built (npm run build). Linux; pages of files are dropped from memory with `dd`.
//
//   node bench/cache/scale.mjs RECORDS NUMBERS FOLDER CHECKOUT…
//
// RECORDS of NUMBERS float16 numbers each (1000000 of 1280 are 2.5 kB each, 200000 of 25088 are 50 kB);
// FOLDER for the caches, which are deleted afterwards; each CHECKOUT is a folder of this repository (`.`
// for this one). Each step runs for all checkouts in turn, in a process of its own; times are in
// microseconds per record, or in seconds. Writing ends when all is on disk.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [records, numbers] = process.argv.slice(2, 4).map(Number);
const [place, ...checkouts] = process.argv.slice(4).map((path) => resolve(path));
const script = fileURLToPath(new URL('./scale-step.mjs', import.meta.url));
const folder = mkdtempSync(join(place, 'headstart-bench-'));
const dirs = checkouts.map((_, i) => join(folder, `cache-${i}`));
const rows = [];

function step(i, name) {
  const args = [script, checkouts[i], name, dirs[i], records, numbers].map(String);
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

function measure(title, unit, value) {
  const cells = checkouts.map((_, i) => value(i));
  rows.push(`| ${title} | ${cells.map((cell) => `${cell.toPrecision(3)} ${unit}`).join(' | ')} |`);
  console.log(rows.at(-1));
}

function filesOf(dir) {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** Forgets what the system has in memory of a cache's files. */
function makeCold(dir) {
  execFileSync('sync', ['-f', dir]);
  for (const file of filesOf(dir)) {
    execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  }
}

/** Caches of packs keep what was used within a day: these were used long ago. */
function makeOld(dir) {
  const day = Date.now() / 1000 - 10 * 86_400;
  for (const file of filesOf(dir)) if (/\.(pack|idx)$/.test(file)) utimesSync(file, day, day);
}

function cli(i, ...args) {
  const started = performance.now();
  const main = join(checkouts[i], 'packages/cli/bin/headstart.js');
  execFileSync(process.execPath, [main, ...args, '--cache-dir', dirs[i]], { stdio: 'pipe' });
  return (performance.now() - started) / 1000;
}

const sizeOf = (dir) => filesOf(dir).reduce((sum, file) => sum + statSync(file).blocks * 512, 0);
const perRecord = (i, name) => (step(i, name).seconds * 1e6) / records;

try {
  for (const dir of dirs) mkdirSync(dir);
  console.log(`${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}`);
  console.log(`| ${records} records of ${2 * numbers} bytes | ${checkouts.join(' | ')} |`);
  console.log(`|---|${checkouts.map(() => '---|').join('')}`);
  measure('write, 64 at once', 'us', (i) => perRecord(i, 'write'));
  measure('size', 'GB', (i) => sizeOf(dirs[i]) / 1e9);
  measure('open and find one', 's', (i) => step(i, 'open').seconds);
  measure('memory of it', 'bytes/record', (i) => step(i, 'open').bytes / records);
  for (const name of ['shuffled', 'in order', 'train']) {
    measure(`${name}, warm`, 'us', (i) => {
      const times = [1, 2, 3].map(() => perRecord(i, name)).sort((a, b) => a - b);
      return times[1];
    });
  }
  for (const name of ['shuffled', 'in order', 'train', 'open']) {
    measure(`${name}, cold`, name === 'open' ? 's' : 'us', (i) => {
      makeCold(dirs[i]);
      return name === 'open' ? step(i, name).seconds : perRecord(i, name);
    });
  }
  measure('headstart --version', 's', (i) => cli(i, '--version'));
  measure('cache ls', 's', (i) => cli(i, 'cache', 'ls'));
  measure('cache gc to half', 's', (i) => {
    makeOld(dirs[i]);
    return cli(i, 'cache', 'gc', '--max-size', `${Math.round((records * numbers * 2) / 2)}`);
  });
  measure('size then', 'GB', (i) => sizeOf(dirs[i]) / 1e9);
  measure('delete', 's', (i) => {
    const started = performance.now();
    rmSync(dirs[i], { recursive: true });
    return (performance.now() - started) / 1000;
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
