// One step of the benchmark, in a process of its own, so that its memory is its own too.
//
//   node store.mjs write|scan cache|files|safetensors FOLDER RECORDS
//   node store.mjs hash FOLDER CACHE            |   node store.mjs start DATA CACHE
//
// Prints seconds, those of the processor, and the most memory held, as JSON. What is written is on disk
// at the end, in whatever store. Linux alone.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FeatureStore } from '@headstart/native';
import { SafetensorsFile, writeSafetensors } from '#core/base/safetensors';
import { scanDataset } from '#core/dataset';
import { extractFeatures, openFeatureCache, rememberingHasher } from '#core/features';

const shape = [7, 7, 512];
const numbers = 7 * 7 * 512;
const layout = { shape, dtype: 'float16' };
const batch = 8;
const perShard = 1000;
const steps = {
  'write cache': writeCache,
  'write files': writeFiles,
  'write safetensors': writeShards,
  'scan cache': scanCache,
  'scan files': scanFiles,
  'scan safetensors': scanShards,
};

const keyOf = (i) => {
  const hash = createHash('sha256').update(`${i}`).digest();
  return Buffer.concat([Buffer.alloc(16, 1), hash, Buffer.alloc(16, 2)]);
};
const table = Uint16Array.from({ length: 2 * numbers }, (_, i) => (i * 31) % 0x7bff);
const rowOf = (i) => table.subarray(i % numbers, (i % numbers) + numbers);
const bytesOf = (row) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength);

async function writeCache(dir, count) {
  const cache = await openFeatureCache({ dir });
  for (let i = 0; i < count; i += batch) {
    const rows = Array.from({ length: Math.min(batch, count - i) }, (_, k) => i + k);
    cache.putBatch(rows.map((k) => ({ key: keyOf(k), row: rowOf(k), ...layout })));
    if (i % 800 !== 0) continue;
    lookAtMemory();
    await new Promise(setImmediate);
  }
  await cache.close();
}

/** All records, with their checksums. */
async function scanCache(dir, count) {
  const cache = await openFeatureCache({ dir });
  let found = 0;
  for (let i = 0; i < count; i++) {
    if (cache.holds(keyOf(i), layout)) found++;
    if (i % 256 !== 0) continue;
    lookAtMemory();
    await new Promise(setImmediate);
  }
  await cache.close();
  return found;
}

const fileOf = (dir, i) => {
  const name = keyOf(i).toString('hex', 16, 48);
  return join(dir, name.slice(0, 2), name);
};

function writeFiles(dir, count) {
  for (let i = 0; i < 256; i++)
    mkdirSync(join(dir, i.toString(16).padStart(2, '0')), { recursive: true });
  for (let i = 0; i < count; i++) {
    writeFileSync(fileOf(dir, i), bytesOf(rowOf(i)));
    if (i % 256 === 0) lookAtMemory();
  }
}

function scanFiles(dir, count) {
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    bytes += readFileSync(fileOf(dir, i)).length;
    if (i % 256 === 0) lookAtMemory();
  }
  return bytes;
}

async function writeShards(dir, count) {
  for (let first = 0; first < count; first += perShard) {
    const rows = Math.min(perShard, count - first);
    const data = (async function* () {
      for (let i = first; i < first + rows; i++) yield bytesOf(rowOf(i));
    })();
    const features = { dtype: 'F16', shape: [rows, ...shape], data };
    await writeSafetensors(join(dir, `${first}.safetensors`), { features });
    lookAtMemory();
  }
}

async function scanShards(dir) {
  let bytes = 0;
  for (const name of readdirSync(dir)) {
    const file = await SafetensorsFile.open(join(dir, name));
    const { begin, end } = file.header.tensors.get('features');
    const step = 4 * 1024 * 1024;
    for (let at = begin; at < end; at += step) {
      bytes += (await file.read(at, Math.min(end, at + step))).length;
      lookAtMemory();
    }
    await file.close();
  }
  return bytes;
}

/** A backbone that must not be asked: everything is in the cache. */
const backbone = {
  info: {
    path: '/models/vgg16.onnx',
    sha256: 'd'.repeat(64),
    name: 'vgg16',
    untrained: false,
    preprocessing: 'caffe',
    precision: 'float32',
    input: { height: 224, width: 224 },
    featureShape: shape,
    provider: 'cpu',
    engine: 'native',
    device: 'CPU',
  },
  run: async (_images, count) => new Float32Array(count * numbers).fill(0.5),
};

/** From a folder of images to features in the trainer's memory. */
async function start(data, dir) {
  const times = {};
  let last = performance.now();
  const lap = (name) => {
    times[name] = (performance.now() - last) / 1000;
    last = performance.now();
  };
  const cache = await openFeatureCache({ dir });
  lap('open');
  const { train } = await scanDataset(data, {
    hashFiles: rememberingHasher(cache),
    validationFraction: 0.0001,
  });
  lap('scan');
  const samples = train.map((sample) => ({ sample, views: [undefined] }));
  const { set, computed } = await extractFeatures({ samples, backbone, cache });
  lap('find');
  lookAtMemory();
  const store = new FeatureStore({ shape, capacity: set.rowCount, dtype: 'float16' });
  for await (const chunk of set.chunks()) store.append(chunk);
  lap('hand over');
  lookAtMemory();
  store.dispose();
  await cache.close();
  last = performance.now();
  Buffer.alloc(set.rowCount * numbers * 2, 1);
  lap('fresh memory');
  return { computed, images: set.rowCount, ...times };
}

async function hash(data, dir) {
  const cache = await openFeatureCache({ dir });
  let reused = 0;
  const dataset = await scanDataset(data, {
    hashFiles: rememberingHasher(cache),
    onProgress: (progress) => {
      reused = progress.reused ?? 0;
      if (progress.done % 256 === 0) lookAtMemory();
    },
  });
  await cache.close();
  return { files: dataset.train.length + dataset.validation.length, reused };
}

let mostMemory = 0;

/** Of the process itself, in MB: not the pages of files that it has mapped. */
function lookAtMemory() {
  const [, kilobytes] = /^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'));
  mostMemory = Math.max(mostMemory, Number(kilobytes) / 1024);
}

const [kind, ...rest] = process.argv.slice(2);
const began = performance.now();
let result;
if (kind === 'hash') result = await hash(...rest);
else if (kind === 'start') result = await start(...rest);
else result = await steps[`${kind} ${rest[0]}`](rest[1], Number(rest[2]));
// The whole file system: what one store leaves to be written must not disturb the next one.
if (kind === 'write') execFileSync('sync', ['-f', rest[1]]);
if (kind !== 'start') lookAtMemory();
const seconds = (performance.now() - began) / 1000;
const { userCPUTime, systemCPUTime } = process.resourceUsage();
const cpu = (userCPUTime + systemCPUTime) / 1e6;
console.log(JSON.stringify({ seconds, cpu, megabytes: mostMemory, result }));
