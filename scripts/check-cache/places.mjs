// A full disk and a read-only one: small file systems in memory, which only root can mount.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { age, recordsOf, sameRecords, work } from './process.mjs';
import { writeSamples } from './samples.mjs';

export async function placeTrials(folder) {
  if (process.platform !== 'linux' || process.getuid() !== 0) {
    return { skipped: 'only root can mount small file systems, on Linux' };
  }
  const numbers = Array.from({ length: 400 }, (_, i) => i);
  const all = await writeSamples(join(folder, 'images'), 'all', numbers);
  const some = await writeSamples(join(folder, 'images'), 'some', numbers.slice(0, 100));
  await work(['extract', join(folder, 'calm'), all]);
  const expected = await recordsOf(join(folder, 'calm'));
  const place = join(folder, 'small');
  mkdirSync(place);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=700k', 'tmpfs', place]);
  } catch (error) {
    return { skipped: `nothing can be mounted here (${error.message.split('\n')[0]})` };
  }
  const found = {};
  try {
    const dir = join(place, 'cache');
    const full = await work(['extract', dir, all]);
    found.fullDisk = full.code === 3 ? full.stderr.trim() : `WRONG: ${full.code} ${full.signal}`;
    const kept = await recordsOf(dir);
    found.keptOnFullDisk = [...kept].every(([key, record]) => expected.get(key) === record)
      ? kept.size
      : 'WRONG';
    const again = await work(['extract', dir, all]);
    found.fullDiskAgain = again.code === 3 ? 'the same' : `WRONG: ${again.code} ${again.signal}`;
    execFileSync('mount', ['-o', 'remount,size=64m', place]);
    const more = await work(['extract', dir, all]);
    found.afterRoom = more.code === 0 && sameRecords(await recordsOf(dir), expected);
    const { bavail, bsize } = statfsSync(place);
    const filling = join(place, 'filling');
    writeFileSync(filling, Buffer.alloc(bavail * bsize));
    const nothingNew = await work(['extract', dir, all]);
    found.allThereOnFullDisk =
      nothingNew.code === 0 && nothingNew.result.computed === 0
        ? 'used'
        : `WRONG: ${nothingNew.code} ${nothingNew.stderr}`;
    writeFileSync(filling, Buffer.alloc(bavail * bsize - 200_000));
    age(dir);
    const gc = await work(['gc', dir, 500_000]);
    found.collectedWithoutRoom = gc.code === 0 ? gc.result : `WRONG: ${gc.code} ${gc.stderr}`;
    rmSync(filling);
    await work(['extract', dir, some]);
    execFileSync('mount', ['-o', 'remount,ro', place]);
    const there = await work(['read', dir, some]);
    found.readOnly =
      there.code === 0 && there.result.computed === 0 ? 'read' : `WRONG: ${there.stderr}`;
    const lacking = await work(['read', dir, all]);
    found.readOnlyLacking = lacking.code === 3 ? lacking.stderr.trim() : `WRONG: ${lacking.code}`;
    found.nothingWritten = !existsSync(`${dir}-own`);
  } finally {
    execFileSync('umount', [place]);
  }
  return found;
}
