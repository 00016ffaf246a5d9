// Flips bytes of a cache's pack or its index at random places, or cuts one off. A run on it must end with
// the right features, never with an error, a wrong one or a crash.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startWorker, work } from './process.mjs';
import { writeSamples } from './samples.mjs';

export async function damageTrials(folder, trials, random) {
  const images = join(folder, 'images');
  const numbers = Array.from({ length: 240 }, (_, i) => i);
  const all = await writeSamples(images, 'all', numbers);
  const more = await writeSamples(images, 'more', [...numbers, 1000, 1001, 1002]);
  const whole = join(folder, 'whole');
  await work(['extract', whole, all]);
  const names = readdirSync(whole, { recursive: true });
  const [pack, index] = ['.pack', '.idx'].map((end) => names.find((name) => name.endsWith(end)));
  const { ask, stop } = startWorker();
  const found = { trials: 0, right: 0, refused: 0, crashed: 0, wrong: 0 };
  for (let i = 0; i < trials; i++) {
    const dir = join(folder, 'trial');
    cpSync(whole, dir, { recursive: true });
    // Half of the damage is to the index, which is small.
    const file = i % 2 === 0 ? pack : index;
    const { what, damaged } = damage(readFileSync(join(whole, file)), i, random);
    writeFileSync(join(dir, file), damaged);
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
      console.error(`refused, ${what}: ${stderr}`);
    }
    rmSync(dir, { recursive: true, force: true });
  }
  stop();
  return found;
}

function damage(bytes, i, random) {
  if (i % 10 >= 8) {
    const size = Math.floor(random() * bytes.length);
    return { what: `cut off at ${size}`, damaged: bytes.subarray(0, size) };
  }
  const damaged = Buffer.from(bytes);
  const count = 1 + Math.floor(random() * 3);
  const places = Array.from({ length: count }, () => Math.floor(random() * bytes.length));
  for (const at of places) damaged[at] ^= 1 + Math.floor(random() * 255);
  return { what: `flipped ${places}`, damaged };
}
