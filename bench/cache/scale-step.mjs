// One step of scale.mjs, on the build of a checkout, in a process of its own. Prints its seconds and the
// bytes of memory that it took, as JSON.
//
//   node scale-step.mjs CHECKOUT STEP CACHE RECORDS NUMBERS
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [checkout, name, dir] = process.argv.slice(2, 5);
const [records, numbers] = process.argv.slice(5).map(Number);
const load = (path) => import(pathToFileURL(join(checkout, path)).href);
const features = {
  ...(await load('packages/core/dist/features/index.js')),
  ...(await load('packages/core/dist/features/key.js')),
};
const { FeatureStore } = await load('packages/native/dist/index.js');

const info = {
  path: '/models/known.onnx',
  sha256: 'd'.repeat(64),
  name: 'known',
  untrained: false,
  preprocessing: 'caffe',
  precision: 'float32',
  input: { height: 224, width: 224 },
  featureShape: [numbers],
  provider: 'cpu',
  engine: 'native',
  device: 'CPU',
};
const layout = { shape: [numbers], dtype: 'float16' };
const extractor = features.extractorId(info);
const hashOf = (i) => createHash('sha256').update(`${i}`).digest('hex');
const keyOf = (i) => features.featureKey(extractor, hashOf(i), undefined, 'float16');
const table = Uint16Array.from({ length: 2 * numbers }, (_, i) => (i * 31) % 0x7bff);
const rowOf = (i) => table.subarray(i % numbers, (i % numbers) + numbers);

/** A permutation of the records: a step that shares no factor with their number. */
function shuffled() {
  const gcd = (a, b) => (b === 0 ? a : gcd(b, a % b));
  let stride = Math.floor(records * 0.618);
  while (gcd(stride, records) > 1) stride++;
  return Float64Array.from({ length: records }, (_, i) => (i * stride) % records);
}

async function readAll(order) {
  const keys = Array.from(order, keyOf);
  const target = new Uint8Array(2 * numbers);
  const cache = await features.openFeatureCache({ dir });
  cache.has(keys[0]);
  const started = performance.now();
  if (cache.read) {
    // As training reads them: some at once, on several threads.
    const batch = Math.max(1, Math.floor(2 ** 22 / (2 * numbers)));
    const rows = new Uint8Array(batch * 2 * numbers);
    for (let first = 0; first < records; first += batch) {
      const some = keys.slice(first, first + batch);
      const right = await cache.read(some, layout, rows.subarray(0, some.length * 2 * numbers));
      if (right.includes(0)) throw new Error('missing');
    }
  } else {
    for (const key of keys) if (!cache.copy(key, layout, target)) throw new Error('missing');
  }
  const seconds = (performance.now() - started) / 1000;
  await cache.close();
  return seconds;
}

const steps = {
  write: async () => {
    const keys = Array.from({ length: records }, (_, i) => keyOf(i));
    const started = performance.now();
    const cache = await features.openFeatureCache({ dir });
    cache.describeExtractor(extractor);
    for (let i = 0; i < records; i += 64) {
      const batch = keys.slice(i, i + 64);
      cache.putBatch(batch.map((key, k) => ({ key, row: rowOf(i + k), ...layout })));
      if (i % 6400 === 0) await new Promise(setImmediate);
    }
    await cache.close();
    execFileSync('sync', ['-f', dir]);
    return (performance.now() - started) / 1000;
  },
  open: async () => {
    const [first, last] = [keyOf(0), keyOf(records - 1)];
    const started = performance.now();
    const cache = await features.openFeatureCache({ dir });
    if (!cache.has(first) || !cache.has(last)) throw new Error('missing');
    const seconds = (performance.now() - started) / 1000;
    globalThis.gc?.();
    kept = cache;
    return seconds;
  },
  shuffled: () => readAll(shuffled()),
  'in order': () => readAll(Float64Array.from({ length: records }, (_, i) => i)),
  /** As training begins: find all, and bring them into the trainer's memory. */
  train: async () => {
    const samples = Array.from({ length: records }, (_, i) => ({
      sample: { path: `${i}`, name: `${i}`, label: 0, hash: hashOf(i) },
      views: [undefined],
    }));
    const started = performance.now();
    const cache = await features.openFeatureCache({ dir });
    const run = () => Promise.reject(new Error('missing'));
    const { set } = await features.extractFeatures({ samples, backbone: { info, run }, cache });
    const shape = [1, 1, numbers];
    const store = new FeatureStore({ shape, capacity: set.rowCount, dtype: 'float16' });
    for await (const chunk of set.chunks()) store.append(chunk);
    const seconds = (performance.now() - started) / 1000;
    await cache.close();
    return seconds;
  },
};

/** Of the process itself, in bytes: not the pages of files that it has mapped. */
function memory() {
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))[1]) * 1024;
}

let kept;
globalThis.gc?.();
const before = memory();
const seconds = await steps[name]();
const bytes = memory() - before;
await kept?.close();
console.log(JSON.stringify({ seconds, bytes }));
