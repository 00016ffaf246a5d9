import type { Dataset, Notice } from '@headstart/core';
import { describe, expect, it } from 'vitest';
import { scanDataset } from '#core/dataset';
import { announceDataset } from '#core/features';
import { plural } from '#core/options';
import { folderWith, images } from '../dataset/folders.ts';

describe('A number with its noun', () => {
  it('is one image, or more images', () => {
    expect([0, 1, 2].map((count) => plural(count, 'image'))).toEqual([
      '0 images',
      '1 image',
      '2 images',
    ]);
    expect([1, 2].map((count) => plural(count, 'class', 'classes'))).toEqual([
      '1 class',
      '2 classes',
    ]);
  });

  it('is so in what is said of a folder', async () => {
    const said = (dataset: Dataset) => {
      const notices: Notice[] = [];
      announceDataset(dataset, (notice) => notices.push(notice));
      return notices.map(({ text }) => text);
    };
    const train = { ...images('train/a', 3), ...images('train/b', 3) };
    const one = await scanDataset(await folderWith({ ...train, ...images('val/a', 1) }));
    expect(said(one)[0]).toBe('2 classes (a, b): 6 training, 1 validation image');
    const parts = { ...train, ...images('val/a', 1), ...images('test/b', 2) };
    const corrections = { file: 'c.csv', sha256: '', relabelled: 1, removed: 2, unused: 0 };
    const texts = said({ ...(await scanDataset(await folderWith(parts))), corrections });
    expect(texts.slice(0, 2)).toEqual([
      '2 classes (a, b): 6 training, 1 validation, 2 test images',
      'Corrections in c.csv: 1 image relabelled, 2 left out',
    ]);
  });
});
