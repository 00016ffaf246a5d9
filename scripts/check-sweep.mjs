// Whether a sweep that is stopped at a random moment, by Ctrl-C or kill -9, goes on to the same trials
// and the same head as one that nobody disturbed. Build first (npm run build).
//
//   node scripts/check-sweep.mjs [STOPS] [SEED]
//
// STOPS (default 20) is the number of stops: some seconds each. One half are at any moment of the command,
// the other while trials are trained.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { memoryFeatureSet, writeFeatureFile } from '../packages/core/dist/features/index.js';

const count = 256;
const [stops = 20, seed = 1] = process.argv.slice(2).map(Number);
const cli = fileURLToPath(new URL('../packages/cli/bin/headstart.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'headstart-check-sweep-'));

/** Marsaglia's xorshift, so that trials can be repeated. */
let state = (seed * 2654435761) | 0 || 1;
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

/** Maps whose classes overlap, so that heads differ. */
async function writeFeatures(path, count) {
  const shape = [4, 4, 256];
  const size = 4 * 4 * 256;
  const labels = Array.from({ length: count }, (_, i) => i % 3);
  const rows = new Float32Array(count * size);
  rows.forEach((_, i) => {
    const hot = (i % 256) % 3 === labels[Math.floor(i / size)];
    rows[i] = Math.max(0, random() + (hot ? 0.01 : 0));
  });
  const samples = labels.map((label, i) => ({ name: `${path} ${i}`, label, rows: [i] }));
  const classes = ['a', 'b', 'c'];
  const set = memoryFeatureSet({ shape, samples, classes, rows });
  await writeFeatureFile(path, set, { classes });
}

const train = join(folder, 'train.safetensors');
const validation = join(folder, 'validation.safetensors');
await writeFeatures(train, 600);
await writeFeatures(validation, 300);

/** Runs the sweep; with `stop`, sends that signal after so many milliseconds. */
async function sweep(out, stop) {
  const args = ['sweep', '--features', train, '--val-features', validation];
  const options = ['--trials', `${count}`, '--epochs', '60', '--out', join(folder, out), '--json'];
  const started = performance.now();
  const child = spawn(process.execPath, [cli, ...args, ...options]);
  let stdout = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  let stderr = '';
  const training = new Promise((resolve) => {
    child.stderr.on('data', (text) => {
      stderr += text;
      if (stderr.includes('Heads on')) resolve();
    });
  });
  const ended = once(child, 'close');
  if (stop) {
    if (stop.inTrials) await Promise.race([training, ended]);
    await Promise.race([delay(stop.after), ended]);
    child.kill(stop.signal);
  }
  const [code, signal] = await ended;
  const ms = performance.now() - started;
  return { code, signal, stderr, ms, trialMs: code === 0 ? JSON.parse(stdout).sweep_s * 1000 : 0 };
}

const kept = ['trials.csv', 'best/head.safetensors', 'best/predictions.csv'];
const contents = (out) => kept.map((name) => readFileSync(join(folder, out, name), 'latin1'));

/** Trials that were written down when it was stopped. */
function trialsOf(out) {
  const path = join(folder, out, 'sweep.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).finished.length : 0;
}

const faults = [];
try {
  const calm = await sweep('calm');
  if (calm.code !== 0) throw new Error(calm.stderr);
  const expected = contents('calm');
  const moments = { before: 0, between: 0, after: 0 };
  for (let i = 0; i < stops; i++) {
    const inTrials = i % 4 >= 2;
    const after = random() * (inTrials ? calm.trialMs : calm.ms);
    const stop = { signal: i % 2 === 0 ? 'SIGINT' : 'SIGKILL', inTrials, after };
    const out = `stopped-${i}`;
    const first = await sweep(out, stop);
    const trials = trialsOf(out);
    moments[trials === 0 ? 'before' : trials < count ? 'between' : 'after']++;
    const orderly = stop.signal === 'SIGKILL' || [0, 130].includes(first.code) || first.signal;
    if (!orderly) faults.push(`${out}: ${stop.signal} ended with code ${first.code}`);
    const again = await sweep(out);
    const fault = again.code === 0 ? undefined : again.stderr;
    const lost = trials > 0 && !again.stderr.includes(`after ${trials} trials`);
    const differs = contents(out).findIndex((text, at) => text !== expected[at]);
    if (fault !== undefined) faults.push(`${out}: ${fault}`);
    else if (lost) faults.push(`${out}: of ${trials} trials not all were kept`);
    else if (differs >= 0) faults.push(`${out}: another ${kept[differs]}`);
    const of = inTrials ? `${calm.trialMs.toFixed(0)} ms of trials` : `${calm.ms.toFixed(0)} ms`;
    const when = `${stop.signal} after ${after.toFixed(0)} of ${of}`;
    console.log(`${when}: ${trials} trials kept${faults.length > 0 ? ' (faults so far)' : ''}`);
    rmSync(join(folder, out), { recursive: true, force: true });
  }
  console.log(
    `\n${stops} stops (${moments.before} before the first trial was written, ${moments.between} between, ${moments.after} after the last): ${faults.length} faults`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
