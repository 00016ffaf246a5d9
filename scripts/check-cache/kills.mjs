// Kills extraction, merge and gc at random moments; the next run must complete, and the records must
// be, byte for byte, those of an undisturbed run.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { age, recordsOf, sameRecords, startWorker, work } from './process.mjs';
import { writeSamples } from './samples.mjs';

export async function killTrials(folder, trials, random) {
  const all = await writeSamples(join(folder, 'images'), 'all', range(0, 240));
  const half = await writeSamples(join(folder, 'images'), 'half', range(120, 240));
  const at = (name) => join(folder, name);
  for (const [name, samples] of [
    ['full', all],
    ['half', half],
  ]) {
    await must(work(['extract', at(name), samples]));
    age(at(name));
  }
  mkdirSync(at('empty'));
  const kinds = [
    { kind: 'extract', start: 'empty', args: [all, 2] },
    { kind: 'merge', start: 'half', args: [at('full')] },
    { kind: 'gc', start: 'full', args: [400_000] },
  ];
  const { ask, stop } = startWorker();
  const found = { trials: 0, killed: 0, different: 0, failed: 0 };
  for (const [number, { kind, start, args }] of kinds.entries()) {
    const calm = at(`calm-${kind}`);
    cpSync(at(start), calm, { recursive: true, preserveTimestamps: true });
    const { ms } = await must(work([kind, calm, ...args]));
    const expected = await recordsOf(calm);
    const count = Math.floor((trials + number) / kinds.length);
    for (let i = 0; i < count; i++) {
      const dir = at('trial');
      cpSync(at(start), dir, { recursive: true, preserveTimestamps: true });
      const { signal } = await work([kind, dir, ...args], { killAfter: random() * ms });
      const again = await ask([kind, dir, ...args]);
      found.trials++;
      if (signal === 'SIGKILL') found.killed++;
      if (again.code !== 0) {
        found.failed++;
        console.error(`${kind}: ${again.signal ?? again.stderr}`);
      } else if (!sameRecords(await recordsOf(dir), expected)) found.different++;
      rmSync(dir, { recursive: true, force: true });
    }
    console.log(`${kind}: ${count} kills within ${ms.toFixed(0)} ms of work`);
  }
  stop();
  return found;
}

function range(from, to) {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

async function must(running) {
  const ended = await running;
  if (ended.code !== 0) throw new Error(ended.stderr);
  return ended;
}
