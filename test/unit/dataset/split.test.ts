import { scanDataset } from '@headstart/core/dataset';
import { describe, expect, it } from 'vitest';
import { folderWith, images } from './folders.ts';

const names = (samples: readonly { readonly name: string }[]) => samples.map(({ name }) => name);

describe('The split into training and validation', () => {
  it('keeps the proportion of each class', async () => {
    const root = await folderWith({ ...images('a', 50), ...images('b', 10), ...images('c', 3) });
    const { train, validation } = await scanDataset(root, { validationFraction: 0.2 });
    const counts = (samples: typeof train) =>
      [0, 1, 2].map((k) => samples.filter((s) => s.label === k).length);
    expect(counts(validation)).toEqual([10, 2, 1]);
    expect(counts(train)).toEqual([40, 8, 2]);
  });

  it('has an image of each class on both sides, however extreme the fraction', async () => {
    const root = await folderWith({ ...images('a', 2), ...images('b', 40) });
    for (const validationFraction of [0.001, 0.999]) {
      const { train, validation } = await scanDataset(root, { validationFraction });
      for (const side of [train, validation]) {
        expect(new Set(side.map(({ label }) => label))).toEqual(new Set([0, 1]));
      }
    }
  });

  it('depends on the seed and on the contents, not on names and places', async () => {
    const root = await folderWith({ ...images('a', 30), ...images('b', 30) });
    const first = await scanDataset(root, { seed: 1 });
    const again = await scanDataset(root, { seed: 1 });
    const other = await scanDataset(root, { seed: 2 });
    expect(names(again.validation)).toEqual(names(first.validation));
    expect(names(other.validation)).not.toEqual(names(first.validation));
    const moved = await folderWith(
      Object.fromEntries(
        Object.entries({ ...images('a', 30), ...images('b', 30) }).map(([name, content], i) => [
          name.replace('/', `/sub/${i}-`),
          content,
        ]),
      ),
    );
    const hashes = (samples: typeof first.validation) => samples.map(({ hash }) => hash).sort();
    expect(hashes((await scanDataset(moved, { seed: 1 })).validation)).toEqual(
      hashes(first.validation),
    );
  });

  it('keeps files of the same bytes on one side, also across classes', async () => {
    const files: Record<string, string> = { ...images('a', 8), ...images('b', 8) };
    for (let i = 0; i < 8; i++) {
      files[`a/copy${i}.jpg`] = `a  ${i}`;
      files[`b/copy${i}.jpg`] = `a  ${i}`;
    }
    const root = await folderWith(files);
    for (const seed of [0, 1, 2, 3]) {
      const { train, validation } = await scanDataset(root, { seed, validationFraction: 0.4 });
      const inTrain = new Set(train.map(({ hash }) => hash));
      expect(validation.filter(({ hash }) => inTrain.has(hash))).toEqual([]);
      expect(train.length + validation.length).toBe(32);
      expect(validation.some(({ label }) => label === 1)).toBe(true);
    }
  });

  it('moves few images when some are added', async () => {
    const before = await folderWith({ ...images('a', 100), ...images('b', 100) });
    const after = await folderWith({ ...images('a', 110), ...images('b', 100) });
    const first = new Set(names((await scanDataset(before)).validation));
    const second = names((await scanDataset(after)).validation);
    expect(second.filter((name) => name.startsWith('b/') && !first.has(name))).toEqual([]);
    expect(
      second.filter((name) => name.startsWith('a/') && first.has(name)).length,
    ).toBeGreaterThan(15);
  });
});
