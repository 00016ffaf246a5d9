import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { generateTrafficLights, lights } from '#core/sample';
import { temporaryFolder } from '../../util/workspace.ts';

const counts = { trainPerClass: 3, validationPerClass: 2, heldOutPerClass: 1 };

/** Path → digest of every file below a folder. */
async function contents(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = new Map<string, string>();
  for (const entry of names.filter((e) => e.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const hash = createHash('sha256').update(await readFile(path));
    found.set(path.slice(folder.length + 1), hash.digest('hex'));
  }
  return found;
}

describe('the sample of traffic lights', () => {
  it('has the folders that training wants, and pictures held out, named after the truth', async () => {
    await using place = await temporaryFolder();
    await generateTrafficLights({ folder: place.path, seed: 1, ...counts });
    for (const light of lights) {
      expect(await readdir(join(place.path, 'train', light))).toHaveLength(3);
      expect(await readdir(join(place.path, 'validation', light))).toHaveLength(2);
    }
    const heldOut = (await readdir(join(place.path, 'held-out'))).sort();
    expect(heldOut).toEqual(['green-1.jpg', 'red-1.jpg', 'yellow-1.jpg']);
    const { format, width, height } = await sharp(
      join(place.path, 'held-out/red-1.jpg'),
    ).metadata();
    expect(format).toBe('jpeg');
    expect(Math.min(width, height)).toBeGreaterThan(30);
  });

  it('is the same for the same seed, another for another, and has no picture twice', async () => {
    await using one = await temporaryFolder();
    await using two = await temporaryFolder();
    await using other = await temporaryFolder();
    await generateTrafficLights({ folder: one.path, seed: 1, ...counts });
    await generateTrafficLights({ folder: two.path, seed: 1, ...counts });
    await generateTrafficLights({ folder: other.path, seed: 2, ...counts });
    const [a, b, c] = [
      await contents(one.path),
      await contents(two.path),
      await contents(other.path),
    ];
    expect(a).toEqual(b);
    expect(new Set([...a.values(), ...c.values()]).size).toBe(a.size + c.size);
  });

  it('is kept where it is complete and drawn anew where it is not', async () => {
    await using place = await temporaryFolder();
    const options = { folder: place.path, seed: 1, ...counts };
    await generateTrafficLights(options);
    const picture = join(place.path, 'train/red/red-001.jpg');
    const { mtimeMs } = await stat(picture);
    await generateTrafficLights(options);
    expect((await stat(picture)).mtimeMs).toBe(mtimeMs);
    await rm(join(place.path, 'sample.json'));
    await rm(picture);
    await generateTrafficLights(options);
    expect((await stat(picture)).size).toBeGreaterThan(0);
  });

  it('leaves the user’s own files alone', async () => {
    await using place = await temporaryFolder();
    await writeFile(join(place.path, 'mine.txt'), 'keep');
    await generateTrafficLights({ folder: place.path, seed: 1, ...counts });
    expect(await readFile(join(place.path, 'mine.txt'), 'utf8')).toBe('keep');
  });
});
