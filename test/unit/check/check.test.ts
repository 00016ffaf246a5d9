import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { checkDataset } from '#core/check';
import { folderWith } from '../dataset/folders.ts';

function png(level: number): Promise<Buffer> {
  const background = { r: level, g: level, b: level };
  return sharp({ create: { width: 300, height: 200, channels: 3, background } })
    .png()
    .toBuffer();
}

async function pngs(folder: string, count: number, from: number) {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++) files[`${folder}/${i}.png`] = await png(from + i);
  return files;
}

/** Stripes, dots or rings: pictures that are unlike each other. */
function drawn(
  kind: 'stripes' | 'dots' | 'rings',
  options: { size?: number; quality?: number } = {},
) {
  const { size = 300, quality = 90 } = options;
  const shapes = {
    stripes: '<path d="M0 40h300v50H0zM0 160h300v20H0zM0 250h120v50H0z" fill="teal"/>',
    dots: '<circle cx="80" cy="90" r="60" fill="brown"/><circle cx="230" cy="220" r="45"/>',
    rings: '<circle cx="190" cy="140" r="90" fill="none" stroke="navy" stroke-width="40"/>',
  };
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"><rect width="300" height="300" fill="wheat"/>${shapes[kind]}</svg>`;
  return sharp(Buffer.from(svg)).resize(size, size).jpeg({ quality }).toBuffer();
}

const namesIn = (groups: readonly { readonly files: readonly { readonly name: string }[] }[]) =>
  groups.map(({ files }) => files.map(({ name }) => name));

describe('Checking a folder', () => {
  it('finds nothing wrong with a sound one', async () => {
    const root = await folderWith({ ...(await pngs('a', 20, 0)), ...(await pngs('b', 40, 50)) });
    const range = (length: number) => ({ min: length, median: length, max: length });
    const examples = expect.any(Array);
    expect(await checkDataset(root)).toEqual({
      root,
      layout: 'flat',
      classes: [
        { name: 'a', images: 20, train: 16, validation: 4, test: 0, examples },
        { name: 'b', images: 40, train: 32, validation: 8, test: 0, examples },
      ],
      images: 60,
      split: { validationFraction: 0.2, testFraction: 0, groupBy: undefined, seed: 0 },
      corrections: null,
      unreadable: [],
      misnamed: [],
      warned: [],
      duplicates: [],
      leaks: [],
      conflicts: [],
      tinyClasses: [],
      imbalance: 2,
      size: { width: range(300), height: range(200) },
      inputSize: 224,
      traits: [{ kind: 'blank', count: 60, examples }],
      warnings: [],
    });
  });

  it('names each fault, and nothing else', async () => {
    const [one, two, three] = [await png(100), await png(101), await png(102)];
    const root = await folderWith({
      ...(await pngs('train/a', 20, 0)),
      ...(await pngs('train/b', 20, 30)),
      ...(await pngs('val/a', 2, 60)),
      ...(await pngs('val/b', 2, 70)),
      'train/a/one.png': one,
      'train/a/one again.png': one,
      'train/a/two.png': two,
      'train/b/two.png': two,
      'train/b/three.png': three,
      'val/b/three.png': three,
      'train/a/wrong.jpg': await png(103),
      'train/a/cut.png': (await png(104)).subarray(0, 60),
      'train/a/empty.jpg': '',
      'val/a/notes.txt': 'n',
    });
    const report = await checkDataset(root);
    expect(namesIn(report.duplicates)).toEqual([['train/a/one again.png', 'train/a/one.png']]);
    expect(namesIn(report.conflicts)).toEqual([['train/a/two.png', 'train/b/two.png']]);
    expect(namesIn(report.leaks)).toEqual([['train/b/three.png', 'val/b/three.png']]);
    expect(report.misnamed).toEqual([
      { name: 'train/a/wrong.jpg', extension: '.jpg', content: 'png' },
    ]);
    expect(report.unreadable.map(({ path }) => path)).toEqual(
      ['train/a/cut.png', 'train/a/empty.jpg', 'val/a/notes.txt'].map((name) => join(root, name)),
    );
    const counts = report.classes.map(({ examples: _, ...count }) => count);
    expect(counts).toEqual([
      { name: 'a', images: 26, train: 24, validation: 2, test: 0 },
      { name: 'b', images: 25, train: 22, validation: 3, test: 0 },
    ]);
    expect(report.tinyClasses).toEqual([]);
    expect(report.split).toBeNull();
    expect(report.warnings).toEqual([]);
  });

  it('finds the same picture in other bytes: in two classes, in two parts, twice', async () => {
    const root = await folderWith({
      'train/a/stripes.jpg': await drawn('stripes'),
      'train/a/stripes small.jpg': await drawn('stripes', { size: 120 }),
      'train/a/dots.jpg': await drawn('dots'),
      'train/b/dots.jpg': await drawn('dots', { quality: 40 }),
      'train/b/rings.jpg': await drawn('rings'),
      'val/b/rings.jpg': await drawn('rings', { size: 200 }),
    });
    const { conflicts, leaks, duplicates } = await checkDataset(root);
    expect(namesIn(conflicts)).toEqual([['train/a/dots.jpg', 'train/b/dots.jpg']]);
    expect(namesIn(leaks)).toEqual([['val/b/rings.jpg', 'train/b/rings.jpg']]);
    expect(namesIn(duplicates)).toEqual([['train/a/stripes small.jpg', 'train/a/stripes.jpg']]);
    for (const [picture] of [conflicts, leaks, duplicates]) {
      expect(picture).toMatchObject({ exact: false });
      expect(picture?.similarity).toBeGreaterThan(0.96);
    }
  });

  it('says how training would split a flat folder, by groups too', async () => {
    const files: Record<string, Buffer> = {};
    for (let i = 0; i < 20; i++) files[`a/s${i % 4}_${i}.png`] = await png(i);
    for (let i = 0; i < 20; i++) files[`b/s${4 + (i % 4)}_${i}.png`] = await png(100 + i);
    const options = { groupBy: '(s\\d)_', testFraction: 0.25, validationFraction: 0.25 };
    const { classes, split } = await checkDataset(await folderWith(files), options);
    for (const { images, train, validation, test } of classes) {
      expect([images, train, validation, test]).toEqual([20, 10, 5, 5]);
    }
    expect(split).toMatchObject(options);
  });

  it('leaves out what corrections remove, and relabels', async () => {
    const stripes = await drawn('stripes');
    const root = await folderWith({
      'a/x.jpg': stripes,
      'b/x.jpg': stripes,
      'a/y.jpg': await drawn('dots'),
      'b/y.jpg': await drawn('rings'),
    });
    const { conflicts } = await checkDataset(root);
    expect(conflicts).toHaveLength(1);
    const hash = conflicts[0]?.files[0].hash;
    const file = join(
      await folderWith({ 'c.csv': `hash,file,action,label\n${hash},,relabel,b\n` }),
      'c.csv',
    );
    const corrected = await checkDataset(root, { corrections: file });
    expect(corrected.conflicts).toEqual([]);
    expect(corrected.classes.map(({ images }) => images)).toEqual([1, 3]);
    expect(corrected.corrections).toMatchObject({ relabelled: 1, removed: 0 });
  });

  it('writes corrections after which the same bytes are in one class and one part', async () => {
    const [torn, leaked, both] = [await png(200), await png(201), await png(202)];
    const root = await folderWith({
      ...(await pngs('train/a', 3, 0)),
      ...(await pngs('train/b', 3, 30)),
      'train/a/torn.png': torn,
      'train/b/torn.png': torn,
      'train/b/leaked.png': leaked,
      'train/b/leaked again.png': leaked,
      'val/b/leaked.png': leaked,
      'train/a/both.png': both,
      'val/b/both.png': both,
      'train/a/near.jpg': await drawn('dots'),
      'val/a/near.jpg': await drawn('dots', { quality: 40 }),
      'val/a/own.png': await png(100),
    });
    const file = join(await folderWith(), 'clean.csv');
    const before = await checkDataset(root, { writeCorrections: file });
    expect(before.conflicts).toHaveLength(2);
    const rows = (await readFile(file, 'utf8')).trim().split('\n').slice(1);
    expect(rows.map((row) => row.split(',').slice(1)).sort()).toEqual([
      ['train/a/both.png', 'remove', ''],
      ['train/a/torn.png', 'remove', ''],
      ['train/b/leaked again.png', 'remove-from-training', ''],
    ]);
    const after = await checkDataset(root, { corrections: file, writeCorrections: file });
    expect(after.conflicts).toEqual([]);
    expect(namesIn(after.leaks)).toEqual([['val/a/near.jpg', 'train/a/near.jpg']]);
    expect(after.corrections).toMatchObject({ removed: 6, unused: 0 });
    expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(4);
  });

  it('writes corrections where nothing is wrong, and over no other file, which is said first', async () => {
    const root = await folderWith({
      ...(await pngs('a', 2, 0)),
      ...(await pngs('b', 2, 50)),
      'notes.csv': 'my notes\n',
    });
    const file = join(root, 'deep/clean.csv');
    await checkDataset(root, { writeCorrections: file });
    expect(await readFile(file, 'utf8')).toBe('hash,file,action,label\n');
    const stages: string[] = [];
    const refused = checkDataset(root, {
      writeCorrections: join(root, 'notes.csv'),
      onProgress: ({ stage }) => stages.push(stage),
    });
    await expect(refused).rejects.toMatchObject({ code: 'CORRECTIONS_INVALID' });
    expect(stages).toEqual([]);
    expect(await readFile(join(root, 'notes.csv'), 'utf8')).toBe('my notes\n');
  });

  it('tells what may surprise about images', async () => {
    const picture = () => drawn('dots').then((bytes) => sharp(bytes));
    const root = await folderWith({
      'a/turned.jpg': await (await picture()).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
      'a/gray.png': await (await picture()).toColourspace('b-w').png().toBuffer(),
      'a/alpha.png': await (await picture()).ensureAlpha(0.5).png().toBuffer(),
      'b/small.jpg': await drawn('rings', { size: 60 }),
      'b/cmyk.jpg': await (await picture()).toColourspace('cmyk').jpeg().toBuffer(),
      'b/narrow.png': await (await picture()).resize(1200, 230, { fit: 'fill' }).png().toBuffer(),
      'b/plain.png': await png(7),
    });
    const { traits, size } = await checkDataset(root, { imageSize: 150 });
    expect(traits).toEqual(
      [
        ['turned', 'a/turned.jpg'],
        ['gray', 'a/gray.png'],
        ['cmyk', 'b/cmyk.jpg'],
        ['transparent', 'a/alpha.png'],
        ['blank', 'b/plain.png'],
        ['small', 'b/small.jpg'],
        ['narrow', 'b/narrow.png'],
      ].map(([kind, name]) => ({ kind, count: 1, examples: [name] })),
    );
    expect(size?.width).toEqual({ min: 60, median: 300, max: 1200 });
  });

  it('names tiny classes', async () => {
    const root = await folderWith({ ...(await pngs('a', 21, 0)), ...(await pngs('b', 3, 50)) });
    const { tinyClasses, imbalance } = await checkDataset(root);
    expect(tinyClasses).toEqual([{ name: 'b', count: 3 }]);
    expect(imbalance).toBe(7);
  });

  it('reports on a folder that training would refuse for want of images', async () => {
    const same = await png(5);
    const root = await folderWith({ 'a/x.png': same, 'b/y.png': same });
    const { conflicts, classes } = await checkDataset(root);
    expect(conflicts).toHaveLength(1);
    expect(classes.map(({ train }) => train)).toEqual([1, 1]);
  });

  it('stops when it is aborted', async () => {
    const root = await folderWith({ ...(await pngs('a', 3, 0)), ...(await pngs('b', 3, 50)) });
    const controller = new AbortController();
    const reason = new Error('enough');
    const checking = checkDataset(root, {
      signal: controller.signal,
      onProgress: ({ stage }) => stage === 'decoding' && controller.abort(reason),
    });
    await expect(checking).rejects.toBe(reason);
  });
});
