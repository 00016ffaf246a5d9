// Work on a cache, in a process of its own: what the trials kill, starve and feed with damage.
// Features are a pure function of the image, so that every record can be foretold.
//
//   node work.mjs extract CACHE SAMPLES.json [DELAY_MS]   |   merge CACHE FROM…   |   gc CACHE BYTES
//   node work.mjs read CACHE SAMPLES.json
//
// Prints `begin` when it starts to work and a line of JSON at its end. Forked, it takes such
// arguments as messages, one after the other.
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { extractFeatures, openFeatureStore } from '#core/features';
import { collectCacheGarbage } from '../../packages/core/dist/features/cache-gc.js';
// Not from the library's front: all of it takes a while to load.
import { mergeCaches } from '../../packages/core/dist/features/cache-merge.js';
import { backbone, featuresOf, length } from './samples.mjs';

async function extract(dir, samplesFile, delay = 0, check = false) {
  const samples = JSON.parse(readFileSync(samplesFile, 'utf8'));
  const cache = await openFeatureStore({ dir, overlayDir: `${dir}-own` });
  const run = async (...args) => {
    if (delay > 0) await setTimeout(delay);
    return backbone.run(...args);
  };
  try {
    const { computed, reused, damaged, set } = await extractFeatures({
      samples: samples.map((sample) => ({ sample, views: [undefined] })),
      backbone: { ...backbone, run },
      cache,
      dtype: 'float32',
      batchSize: 4,
    });
    const wrong = check ? await countWrong(set, samples) : 0;
    return { computed, reused, damaged, wrong };
  } finally {
    await cache[Symbol.asyncDispose]();
  }
}

async function countWrong(set, samples) {
  let [row, wrong] = [0, 0];
  for await (const chunk of set.chunks()) {
    for (let at = 0; at < chunk.length; at += length, row++) {
      const expected = featuresOf(samples[row].index);
      if (!chunk.subarray(at, at + length).every((x, k) => x === expected[k])) wrong++;
    }
  }
  return wrong;
}

const works = {
  extract: (dir, [samples, delay]) => extract(dir, samples, Number(delay ?? 0)),
  read: (dir, [samples]) => extract(dir, samples, 0, true),
  merge: (cacheDir, from) => mergeCaches({ cacheDir, from }),
  gc: (cacheDir, [bytes]) => collectCacheGarbage({ cacheDir, maxBytes: Number(bytes) }),
};

/** `code`: 0, 3 for an error that the cache raises on purpose, 1 for any other. */
async function ended([kind, dir, ...rest]) {
  try {
    return { code: 0, stderr: '', result: await works[kind](dir, rest) };
  } catch (error) {
    const { code, message, stack } = error;
    return code === 'CACHE_UNUSABLE' ? { code: 3, stderr: message } : { code: 1, stderr: stack };
  }
}

if (process.send) {
  process.on('message', async (args) => process.send(await ended(args)));
} else {
  process.stdout.write('begin\n');
  const { code, stderr, result } = await ended(process.argv.slice(2));
  process.stderr.write(stderr);
  if (result) process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = code;
}
