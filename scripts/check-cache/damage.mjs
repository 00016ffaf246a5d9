// Flips bytes of a cache's data file at random places, or cuts it off. A run on it must end with the
// right features or a clear error, never with a wrong one and never with a crash; after an error
// `repair` must make it a cache again.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startWorker, work } from './process.mjs';
import { writeSamples } from './samples.mjs';

const pageBytes = 4096;

export async function damageTrials(folder, trials, random) {
  const images = join(folder, 'images');
  const numbers = Array.from({ length: 240 }, (_, i) => i);
  const all = await writeSamples(images, 'all', numbers);
  const more = await writeSamples(images, 'more', [...numbers, 1000, 1001, 1002]);
  const whole = join(folder, 'whole');
  await work(['extract', whole, all]);
  const bytes = readFileSync(join(whole, 'data.mdb'));
  const trees = treePages(bytes);
  const { ask, stop } = startWorker();
  const found = { trials: 0, right: 0, refused: 0, repaired: 0, crashed: 0, wrong: 0 };
  for (let i = 0; i < trials; i++) {
    const dir = join(folder, 'trial');
    cpSync(whole, dir, { recursive: true });
    const { what, damaged } = damage(bytes, trees, i, random);
    writeFileSync(join(dir, 'data.mdb'), damaged);
    found.trials++;
    // More than is there, so that it is also written to; then once more.
    for (const turn of [1, 2]) {
      const { code, signal, stderr, result } = await ask(['read', dir, more]);
      const crash = code !== 0 && code !== 3;
      if (crash) console.error(`crash, ${what}, turn ${turn}: ${signal ?? stderr.slice(0, 400)}`);
      if (crash) found.crashed++;
      else if (code === 0 && result.wrong > 0) found.wrong++;
      else if (code === 0) found.right += turn === 2 ? 1 : 0;
      if (code === 0 && !crash) continue;
      found.refused += crash ? 0 : 1;
      const repair = await ask(['repair', dir]);
      const after = await ask(['read', dir, more]);
      if (repair.code === 0 && after.code === 0 && after.result.wrong === 0) found.repaired++;
      else console.error(`not repaired, ${what}: ${repair.stderr}${after.stderr}`);
      break;
    }
    rmSync(dir, { recursive: true, force: true });
  }
  stop();
  return found;
}

/** Half of the flips are in pages of trees and headers, which are few. */
function damage(bytes, trees, i, random) {
  if (i % 10 === 9) {
    const size = Math.floor(random() * bytes.length);
    return { what: `cut off at ${size}`, damaged: bytes.subarray(0, size) };
  }
  const damaged = Buffer.from(bytes);
  const places = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    if (i % 2 === 0) return Math.floor(random() * bytes.length);
    return (
      trees[Math.floor(random() * trees.length)] * pageBytes + Math.floor(random() * pageBytes)
    );
  });
  for (const at of places) damaged[at] ^= 1 + Math.floor(random() * 255);
  return { what: `flipped ${places}`, damaged };
}

function treePages(bytes) {
  const pages = Array.from({ length: bytes.length / pageBytes }, (_, page) => page);
  return pages.filter((page) => {
    const flags = bytes.readUInt16LE(page * pageBytes + 18);
    return page < 2 || flags === 1 || flags === 2;
  });
}
