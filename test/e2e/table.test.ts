import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { generateTrafficLights, Review } from '@headstart/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { cliPlace } from '../util/place.ts';
import { tinyBackbone } from '../util/workspace.ts';

const { at, cli, json } = cliPlace();
const backbone = ['--backbone', tinyBackbone];

/** The sample's images, as a table names them: `train/green/…`. */
let images: { readonly file: string; readonly part: string; readonly label: string }[];

beforeAll(async () => {
  const counts = { trainPerClass: 12, validationPerClass: 5, heldOutPerClass: 1 };
  await generateTrafficLights({ folder: at('lights'), ...counts, seed: 0 });
  const names = await readdir(at('lights'), { recursive: true });
  images = names.flatMap((name) => {
    const [part = '', label = '', file] = name.split(/[\\/]/);
    return file === undefined ? [] : [{ file: `${part}/${label}/${file}`, part, label }];
  });
  const rows = images.map(({ file, part, label }) => `${file},${label},${part}\n`).reverse();
  await writeFile(at('lights.csv'), `path,label,split\n${rows.join('')}`);
  await mkdir(at('flat'));
  for (const { file, label } of images.filter(({ part }) => part === 'train')) {
    await mkdir(at('flat', label), { recursive: true });
    await cp(at('lights', file), at('flat', file.replace('train/', '')));
  }
  const flat = images
    .filter(({ part }) => part === 'train')
    .map(({ file, label }) => {
      return `${JSON.stringify({ file_name: file.replace('train/', 'flat/'), label })}\n`;
    });
  await writeFile(at('metadata.jsonl'), flat.join(''));
});

const train = ['--epochs', '4', '--views', '2', '--no-folds', ...backbone];
const weights = (run: string) => readFile(at(run, 'head.safetensors'));

describe('Training on a table', () => {
  it('of the sample gives the head of its folders, from the same features', async () => {
    await json('train', 'lights', ...train, '--out', 'of-folders');
    const args = ['train', 'lights.csv', '--root', 'lights', ...train];
    const { features } = await json(...args, '--out', 'of-table');
    expect(features.computed).toBe(0);
    expect(await weights('of-table')).toEqual(await weights('of-folders'));
    const predictions = (run: string) => readFile(at(run, 'predictions.csv'), 'utf8');
    expect(await predictions('of-table')).toBe(await predictions('of-folders'));
  });

  it('without a split gives the split and the head of the folder', async () => {
    const seed = ['--seed', '3', '--test-fraction', '0.2'];
    await json('train', 'flat', ...train, ...seed, '--out', 'flat-folders');
    await json('train', 'metadata.jsonl', ...train, ...seed);
    expect(await weights('runs/metadata')).toEqual(await weights('flat-folders'));
    const test = await json('evaluate', 'runs/metadata', 'metadata.jsonl', '--split', 'test');
    expect(test.metrics.samples).toBe(6);
  });

  it('is measured on the table that it was trained on as it was read then', async () => {
    const text = await readFile(at('lights.csv'), 'utf8');
    await writeFile(at('own.csv'), text.replace('path,label,split', 'photo,light,part'));
    const columns = ['--path-column', 'photo', '--label-column', 'light', '--split-column', 'part'];
    await json('train', 'own.csv', '--root', at('lights'), ...columns, ...train, '--out', 'own');
    expect(await weights('own')).toEqual(await weights('of-folders'));
    const args = ['evaluate', 'own', 'own.csv', '--report', 'report.html'];
    const { metrics, mistakes } = await json(...args, '--mistakes', '3');
    expect(metrics.samples).toBe(15);
    const report = await readFile(at('report.html'), 'utf8');
    if (mistakes.length > 0) expect(report).not.toContain('it cannot be read');
    const other = await cli('evaluate', 'own', 'lights.csv', '--root', 'lights', '--json');
    expect(JSON.parse(other.stdout).metrics).toEqual(metrics);
  });

  it('names rows that it left out, with their lines, and ends with 3 under --strict', async () => {
    const text = await readFile(at('lights.csv'), 'utf8');
    await writeFile(at('lost.csv'), `${text}train/red/none.png,red,train\n`);
    const args = ['train', 'lost.csv', '--root', 'lights', ...train, '--strict', '--out', 'lost'];
    const { code, stdout } = await cli(...args);
    expect(code).toBe(3);
    expect(stdout).toContain(
      `none.png: there is no such file (lost.csv, line ${images.length + 2})`,
    );
  });

  it('ends with 2 where a table contradicts itself or is not there', async () => {
    const text = await readFile(at('lights.csv'), 'utf8');
    const [, second = ''] = text.split('\n');
    await writeFile(at('twice.csv'), `${text}${second.replace(/,\w+,/, ',blue,')}\n`);
    const twice = await cli('train', 'twice.csv', '--root', 'lights', ...train);
    expect(twice.code).toBe(2);
    expect(twice.stderr).toMatch(/error: .*twice\.csv, line \d+: the label of .* is blue here and/);
    const none = await cli('check', 'none.csv');
    expect(none).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('none.csv is not there'),
    });
    const column = await cli('check', 'lights.csv', '--path-column', 'x');
    expect(column.code).toBe(2);
    expect(column.stderr).toContain('has no column "x" for --path-column: its columns are path');
  });
});

describe('A run on a table', () => {
  it('is reviewed with its images, and none is added to it', async () => {
    const review = await Review.open(at('own'), at('own.csv'));
    expect(review.path(0)).toMatch(/lights[\\/]validation[\\/]\w+[\\/]/);
    const bytes = await readFile(review.path(0));
    const [label = ''] = review.run.record.classes;
    await expect(review.add(label, { name: 'x.png', bytes })).rejects.toThrow(
      /The images are named in .*own\.csv: add a row to it\./,
    );
    await review.correct(0, 'remove');
    expect(await review.correctionCount()).toBe(1);
    await expect(Review.open(at('own'), at('none.csv'))).rejects.toThrow('no folder or table');
  });
});

describe('A table goes wherever a folder goes:', () => {
  const table = ['lights.csv', '--root', 'lights'];

  it('check, with its page', async () => {
    const ofTable = await json('check', ...table, '--html', 'check.html');
    const ofFolder = await json('check', 'lights');
    const { warnings: _, root, ...found } = ofFolder;
    expect(ofTable).toMatchObject(found);
    expect(ofTable.root).toBe(root);
    expect(await readFile(at('check.html'), 'utf8')).not.toContain('not shown');
  });

  it('features and cache verify --recompute', async () => {
    const { images: count } = await json('features', ...table, ...backbone);
    expect(count).toBe(51);
    const args = ['cache', 'verify', '--recompute', ...table, ...backbone, '--no-augment'];
    expect(await json(...args)).toMatchObject({ images: 51, different: 0, missing: 0 });
  });

  it('folds, sweep, audit and learning-curve', async () => {
    const options = [...backbone, '--epochs', '3', '--views', '1'];
    const folds = (data: readonly string[]) => json('folds', ...data, ...options, '--folds', '3');
    const [ofTable, ofFolder] = [await folds(table), await folds(['lights'])];
    expect(ofTable.fold_accuracies).toEqual(ofFolder.fold_accuracies);
    expect((await json('sweep', ...table, ...options, '--trials', '2')).images).toBe(15);
    expect((await json('audit', ...table, ...options, '--seeds', '1', '--folds', '2')).images).toBe(
      51,
    );
    const curve = ['learning-curve', ...table, ...options, '--sizes', '4', '--seeds', '1'];
    expect((await json(...curve)).validation_images).toBe(15);
    expect(await readdir(at('sweeps'))).toContain('lights');
  });

  it('export in int8 measures on its images', async () => {
    await rename(at('lights'), at('moved'));
    const lost = await cli('export', 'of-table', '--precision', 'int8', '--out', 'x.onnx');
    expect(lost.code).toBe(2);
    await rename(at('moved'), at('lights'));
    const args = ['export', 'of-table', '--precision', 'int8', '--out', 'x.onnx'];
    expect((await json(...args)).agreement.images).toBe(32);
  });
});
