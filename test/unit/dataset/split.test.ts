import { describe, expect, it } from 'vitest';
import { scanDataset } from '#core/dataset';
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

describe('A test part that is split off', () => {
  const files = { ...images('a', 50), ...images('b', 10), ...images('c', 3), ...images('d', 2) };

  it('keeps the proportion of each class, and each image is in one part', async () => {
    const root = await folderWith(files);
    const { train, validation, test, split } = await scanDataset(root, {
      validationFraction: 0.2,
      testFraction: 0.1,
      seed: 3,
    });
    const counts = (samples: typeof train) =>
      [0, 1, 2, 3].map((k) => samples.filter((s) => s.label === k).length);
    expect(counts(test)).toEqual([5, 1, 1, 0]);
    expect(counts(validation)).toEqual([10, 2, 1, 1]);
    expect(counts(train)).toEqual([35, 7, 1, 1]);
    expect(names([...train, ...validation, ...test]).sort()).toEqual(Object.keys(files).sort());
    expect(split).toEqual({
      validationFraction: 0.2,
      testFraction: 0.1,
      groupBy: undefined,
      seed: 3,
    });
  });

  it('is the same for every seed, so that no training of another seed has seen it', async () => {
    const root = await folderWith(files);
    const of = async (seed: number) => scanDataset(root, { testFraction: 0.3, seed });
    const [first, second] = [await of(1), await of(2)];
    expect(names(second.test)).toEqual(names(first.test));
    expect(names(second.validation)).not.toEqual(names(first.validation));
  });

  it('is named where a class is too small for it', async () => {
    const { warnings } = await scanDataset(await folderWith(files), { testFraction: 0.1 });
    expect(warnings.join()).toContain('No image is left for test of: d');
  });

  it('is refused where there are folders for it, and where nothing is left to train on', async () => {
    const root = await folderWith({
      ...images('train/a', 3),
      ...images('train/b', 3),
      ...images('test/a', 1),
    });
    await expect(scanDataset(root, { testFraction: 0.1 })).rejects.toThrow(
      'has a folder for test, so no test part is split off',
    );
    const both = { validationFraction: 0.5, testFraction: 0.5 };
    await expect(scanDataset(root, both)).rejects.toThrow('leave nothing to train on');
  });
});

/** `groups` series of `size` images each, in both classes in turn. */
function series(groups: number, size: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let g = 0; g < groups; g++) {
    for (let i = 0; i < size; i++) files[`${g % 2 ? 'b' : 'a'}/s${g}_${i}.jpg`] = `${g} ${i}`;
  }
  return files;
}

describe('A split by groups', () => {
  const groupBy = '/(s\\d+)_';
  const groupsOf = (samples: readonly { readonly name: string }[]) =>
    new Set(names(samples).map((name) => /s\d+/.exec(name)?.[0]));

  it('has no group on two sides, in about the right proportion', async () => {
    const root = await folderWith(series(40, 5));
    for (const seed of [0, 1, 2]) {
      const { train, validation, test } = await scanDataset(root, {
        groupBy,
        seed,
        validationFraction: 0.2,
        testFraction: 0.2,
      });
      const [a, b, c] = [groupsOf(train), groupsOf(validation), groupsOf(test)];
      expect(a.size + b.size + c.size).toBe(40);
      expect([validation.length, test.length]).toEqual([40, 40]);
      expect(validation.filter(({ label }) => label === 0)).toHaveLength(20);
    }
  });

  it('takes the whole match where there are no parentheses', async () => {
    const root = await folderWith(series(20, 4));
    const whole = await scanDataset(root, { groupBy: 's\\d+(?=_)' });
    const first = await scanDataset(root, { groupBy });
    expect(names(whole.validation)).toEqual(names(first.validation));
  });

  it('moves no other group when images are added to one', async () => {
    const before = await folderWith(series(40, 5));
    const after = await folderWith({
      ...series(40, 5),
      'a/s0_5.jpg': 'new',
      'a/s0_6.jpg': 'newer',
    });
    const [first, second] = [
      groupsOf((await scanDataset(before, { groupBy })).validation),
      groupsOf((await scanDataset(after, { groupBy })).validation),
    ];
    const moved = [...first].filter((group) => !second.has(group));
    expect(moved.length).toBeLessThanOrEqual(1);
  });

  it('takes images without a match for groups of their own', async () => {
    const root = await folderWith({ ...series(10, 3), ...images('a', 20), ...images('b', 20) });
    const { train, validation } = await scanDataset(root, { groupBy });
    const single = (samples: typeof train) => samples.filter(({ name }) => !name.includes('s'));
    expect(single(train).length).toBeGreaterThan(20);
    expect(single(validation).length).toBeGreaterThan(3);
  });

  it('joins groups that share a content', async () => {
    const files = { ...series(20, 3), 'b/s1_copy.jpg': '0 0' };
    const root = await folderWith(files);
    for (const seed of [0, 1, 2, 3, 4]) {
      const { train } = await scanDataset(root, { groupBy, seed });
      const inTrain = groupsOf(train);
      expect(inTrain.has('s0')).toBe(inTrain.has('s1'));
    }
  });

  it('gives a class of two unequal groups one on each side', async () => {
    const files: Record<string, string> = images('b', 20);
    for (let i = 0; i < 30; i++) files[`a/s${i < 12 ? 0 : 1}_${i}.jpg`] = `a ${i}`;
    const root = await folderWith(files);
    const { train, validation } = await scanDataset(root, { groupBy, validationFraction: 0.1 });
    expect([...groupsOf(validation)].filter(Boolean)).toEqual(['s0']);
    expect([...groupsOf(train)].filter(Boolean)).toEqual(['s1']);
  });

  it('says which class is of one group, and where the pattern matches nothing', async () => {
    const root = await folderWith({ ...images('b', 20), ...series(1, 25) });
    const { warnings, validation } = await scanDataset(root, { groupBy });
    expect(validation.every(({ label }) => label === 1)).toBe(true);
    expect(warnings.join()).toContain('No image is left for validation of: a');
    const nothing = await scanDataset(root, { groupBy: 'x{9}' });
    expect(nothing.warnings.join()).toContain(
      'The pattern x{9} matches no path, such as a/s0_0.jpg',
    );
  });

  it('is refused where the pattern is no regular expression', async () => {
    const root = await folderWith(series(4, 2));
    await expect(scanDataset(root, { groupBy: '(' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('warns of groups in training and in validation where the folders make the split', async () => {
    const root = await folderWith({
      'train/a/s1_0.jpg': '1',
      'train/b/s2_0.jpg': '2',
      'val/a/s1_1.jpg': '3',
      'val/b/s3_1.jpg': '4',
    });
    const { warnings } = await scanDataset(root, { groupBy });
    expect(warnings.join()).toContain(
      '1 of 2 validation images are of groups that training has too (val/a/s1_1.jpg and train/a/s1_0.jpg are of s1)',
    );
  });
});
