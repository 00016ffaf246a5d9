import { join } from 'node:path';
import { checkDataset } from '@headstart/core/dataset';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { folderWith } from './folders.ts';

function png(level: number): Promise<Buffer> {
  const background = { r: level, g: level, b: level };
  return sharp({ create: { width: 4, height: 4, channels: 3, background } })
    .png()
    .toBuffer();
}

async function pngs(folder: string, count: number, from: number) {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++) files[`${folder}/${i}.png`] = await png(from + i);
  return files;
}

describe('Checking a folder', () => {
  it('finds nothing wrong with a sound one', async () => {
    const root = await folderWith({ ...(await pngs('a', 20, 0)), ...(await pngs('b', 40, 50)) });
    expect(await checkDataset(root)).toEqual({
      root,
      layout: 'flat',
      classes: [
        { name: 'a', train: 20, validation: 0, test: 0 },
        { name: 'b', train: 40, validation: 0, test: 0 },
      ],
      images: 60,
      unreadable: [],
      misnamed: [],
      duplicates: [],
      leaks: [],
      conflicts: [],
      tinyClasses: [],
      imbalance: 2,
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
    const names = (groups: typeof report.leaks) =>
      groups.map((g) => g.files.map(({ name }) => name));
    expect(names(report.duplicates)).toEqual([['train/a/one again.png', 'train/a/one.png']]);
    expect(names(report.conflicts)).toEqual([['train/a/two.png', 'train/b/two.png']]);
    expect(names(report.leaks)).toEqual([['train/b/three.png', 'val/b/three.png']]);
    expect(report.misnamed).toEqual([
      { name: 'train/a/wrong.jpg', extension: '.jpg', content: 'png' },
    ]);
    expect(report.unreadable.map(({ path }) => path).sort()).toEqual(
      ['train/a/cut.png', 'train/a/empty.jpg', 'val/a/notes.txt'].map((name) => join(root, name)),
    );
    expect(report.classes).toEqual([
      { name: 'a', train: 24, validation: 2, test: 0 },
      { name: 'b', train: 22, validation: 3, test: 0 },
    ]);
    expect(report.tinyClasses).toEqual([]);
    expect(report.warnings).toEqual([]);
  });

  it('names tiny classes', async () => {
    const root = await folderWith({ ...(await pngs('a', 21, 0)), ...(await pngs('b', 3, 50)) });
    const { tinyClasses, imbalance } = await checkDataset(root);
    expect(tinyClasses).toEqual([{ name: 'b', count: 3 }]);
    expect(imbalance).toBe(7);
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
