// Several processes extract overlapping folders into one cache: each image is to be computed once.
import { join } from 'node:path';
import { recordsOf, sameRecords, work } from './process.mjs';
import { writeSamples } from './samples.mjs';

export async function processTrials(folder, processes = 4) {
  const images = join(folder, 'images');
  const perProcess = 240;
  const step = 80;
  const count = perProcess + step * (processes - 1);
  const numbers = Array.from({ length: count }, (_, i) => i);
  const all = await writeSamples(images, 'all', numbers);
  const lists = [];
  for (let p = 0; p < processes; p++) {
    lists.push(await writeSamples(images, `${p}`, numbers.slice(p * step, p * step + perProcess)));
  }
  await work(['extract', join(folder, 'calm'), all]);
  const dir = join(folder, 'shared');
  const runs = await Promise.all(lists.map((list) => work(['extract', dir, list, 5])));
  const same = sameRecords(await recordsOf(dir), await recordsOf(join(folder, 'calm')));
  const computed = runs.map(({ result }) => result?.computed ?? 'failed');
  const total = computed.reduce((sum, one) => sum + one, 0);
  return { images: count, asked: processes * perProcess, computed, twice: total - count, same };
}
