// Runs work.mjs and says how it ended.
import { fork, spawn } from 'node:child_process';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFeatureCache } from '#core/features';

const script = fileURLToPath(new URL('./work.mjs', import.meta.url));

/** In a process of its own. `killAfter`: milliseconds after the work began. */
export function work(args, { killAfter } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args.map(String)]);
    let [stdout, stderr, begun] = ['', '', 0];
    child.stdout.on('data', (data) => {
      stdout += data;
      if (begun || !stdout.includes('begin')) return;
      begun = performance.now();
      if (killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter);
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('close', (code, signal) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      const result = last.startsWith('{') ? JSON.parse(last) : undefined;
      resolve({ code, signal, stderr, result, ms: performance.now() - begun });
    });
  });
}

/** One process for many pieces of work; a new one after each that it did not survive. */
export function startWorker() {
  let child;
  const ask = (args) =>
    new Promise((resolve) => {
      child ??= fork(script, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      const own = child;
      const finish = (ended) => {
        own.removeAllListeners();
        clearTimeout(hung);
        resolve(ended);
      };
      const hung = setTimeout(() => own.kill('SIGKILL'), 120_000);
      own.once('message', (ended) => finish({ signal: null, ...ended }));
      own.once('exit', (code, signal) => {
        child = undefined;
        finish({ code, signal, stderr: '' });
      });
      own.send(args.map(String));
    });
  return { ask, stop: () => child?.disconnect() };
}

/** All records of a cache: key → bytes, both as text. */
export async function recordsOf(dir) {
  const cache = await openFeatureCache({ dir, readOnly: true });
  const records = new Map();
  for (const folder of cache.folders()) {
    for (const i of folder.numbers()) {
      const record = folder.find(folder.key(i));
      if (record) records.set(folder.key(i).toString('hex'), record.toString('latin1'));
    }
  }
  await cache.close();
  return records;
}

/** As if its packs had been used days ago: what was used within a day stays in any case. */
export function age(dir) {
  const then = Date.now() / 1000 - 3 * 86_400;
  for (const name of readdirSync(dir, { recursive: true })) {
    if (name.endsWith('.pack')) utimesSync(join(dir, name), then, then);
  }
}

export function sameRecords(a, b) {
  return a.size === b.size && [...a].every(([key, record]) => b.get(key) === record);
}
