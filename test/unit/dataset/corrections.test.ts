import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadstartError } from '@headstart/core';
import { describe, expect, it } from 'vitest';
import {
  type Correction,
  readCorrections,
  scanDataset,
  scanLabelled,
  writeCorrections,
} from '#core/dataset';
import { folderWith, images } from './folders.ts';

const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');
/** The hash of file `i` of `images(folder, …)`. */
const hashOf = (folder: string, i: number) => sha256(`${folder}  ${i}`);

const correction = (hash: string, action: Correction['action'], label = ''): Correction => ({
  hash,
  file: 'some/file.jpg',
  action,
  label,
});

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HeadstartError);
  expect((error as HeadstartError).code).toBe('CORRECTIONS_INVALID');
  return (error as HeadstartError).message;
}

async function csv(...lines: string[]): Promise<string> {
  const file = join(await folderWith(), 'corrections.csv');
  await writeFile(file, ['hash,file,action,label', ...lines, ''].join('\n'));
  return file;
}

const [a0, a1, b0] = [hashOf('a', 0), hashOf('a', 1), hashOf('b', 0)];

describe('A file of corrections', () => {
  it('is read as spreadsheets write it, and known by its hash', async () => {
    const file = join(await folderWith(), 'c.csv');
    const text = `\uFEFFhash,file,action,label\r\n${a0.toUpperCase()},"a ""b"", c.jpg",relabel,"x, y"\r\n\r\n${a1},,remove,\r\n${a1},again,remove,\r\n`;
    await writeFile(file, text);
    const { byHash, sha256: hash } = await readCorrections(file);
    expect([...byHash.values()]).toEqual([
      { hash: a0, file: 'a "b", c.jpg', action: 'relabel', label: 'x, y', line: 2 },
      { hash: a1, file: '', action: 'remove', label: '', line: 4 },
    ]);
    expect(hash).toBe(sha256(text));
  });

  it('is read where some lines end as on Windows and others do not', async () => {
    const file = await csv(`${a0},f,relabel,b\r`, `${a1},f,remove,\r`, `${b0},f,relabel,a`);
    const { byHash } = await readCorrections(file);
    expect([...byHash.values()].map(({ label, line }) => [label, line])).toEqual([
      ['b', 2],
      ['', 3],
      ['a', 4],
    ]);
  });

  it('is refused with the file and the line that is wrong', async () => {
    const cases: [string[], string][] = [
      [
        [`${a0},f,delete,`],
        'line 2: "delete" is not an action: it must be keep, relabel, remove or remove-from-training',
      ],
      [[`${a0},f,remove-from-training,a`], 'line 2: remove-from-training takes no label ("a")'],
      [
        [`${a0},x,remove,`, `${a0},y,remove-from-training,`],
        'line 3: y is to be removed from training here and removed in line 2',
      ],
      [[`${a0},f,keep,`, `${a1},f,relabel,`], 'line 3: relabel needs a label'],
      [[`${a0},f,remove,a`], 'line 2: remove takes no label ("a")'],
      [['abc,f,remove,'], 'line 2: "abc" is not a SHA-256'],
      [[`${a0},f,remove`], 'line 2: there are 3 values, not the 4 of hash,file,action,label'],
      [[`${a0},"f,remove,`], 'the quotes are not valid in CSV'],
      [
        [`${a0},x.jpg,relabel,a`, `${b0},f,keep,`, `${a0},y.jpg,relabel,b`],
        'line 4: y.jpg is to be relabelled b here and relabelled a in line 2',
      ],
    ];
    for (const [lines, message] of cases) {
      const file = await csv(...lines);
      const refusal = await refusalOf(readCorrections(file));
      expect(refusal).toContain(file);
      expect(refusal).toContain(message);
      expect(refusal.split('\n')).toHaveLength(1);
    }
  });

  it('is refused where it is not there or has another header', async () => {
    expect(await refusalOf(readCorrections('/no/such.csv'))).toContain('/no/such.csv');
    const root = await folderWith({ 'x.csv': 'file,label\nf,a\n', 'empty.csv': '' });
    for (const name of ['x.csv', 'empty.csv']) {
      expect(await refusalOf(readCorrections(join(root, name)))).toContain(
        'line 1: the header must be hash,file,action,label',
      );
    }
  });

  it('keeps what it says already when more is written; the newest word of a content counts', async () => {
    const file = join(await folderWith(), 'deep/er/corrections.csv');
    await writeCorrections(file, [correction(a0, 'remove'), correction(a1, 'relabel', 'b, "c"')]);
    await writeCorrections(file, [correction(b0, 'keep', 'ignored'), correction(a0, 'keep')]);
    const { byHash } = await readCorrections(file);
    expect([...byHash.values()].map(({ hash, action, label }) => [hash, action, label])).toEqual([
      [a0, 'keep', ''],
      [a1, 'relabel', 'b, "c"'],
      [b0, 'keep', ''],
    ]);
  });

  it('loses nothing when many write at once', async () => {
    const file = join(await folderWith(), 'corrections.csv');
    const hashes = Array.from({ length: 20 }, (_, i) => sha256(`${i}`));
    await Promise.all(hashes.map((hash) => writeCorrections(file, [correction(hash, 'remove')])));
    expect([...(await readCorrections(file)).byHash.keys()]).toEqual(hashes);
  });

  it('is left alone where it is something else', async () => {
    const root = await folderWith({ 'notes.csv': 'my notes\n' });
    const file = join(root, 'notes.csv');
    await refusalOf(writeCorrections(file, [correction(a0, 'remove')]));
    expect(await readFile(file, 'utf8')).toBe('my notes\n');
  });

  it('takes no correction that it would not read again', async () => {
    const file = join(await folderWith(), 'corrections.csv');
    await writeCorrections(file, [correction(a0, 'remove')]);
    for (const wrong of [correction('abc', 'remove'), correction(a1, 'relabel')]) {
      expect(await refusalOf(writeCorrections(file, [wrong]))).toContain(file);
    }
    expect([...(await readCorrections(file)).byHash.keys()]).toEqual([a0]);
  });
});

describe('Corrections of a data set', () => {
  it('change labels and leave images out, wherever their content lies', async () => {
    const root = await folderWith({
      ...images('a', 5),
      ...images('b', 5),
      'b/copy of a0.jpg': 'a  0',
    });
    const corrections = await csv(
      `${a0},,relabel,b`,
      `${a1},,remove,`,
      `${b0},,keep,`,
      `${sha256('elsewhere')},,remove,`,
    );
    const dataset = await scanDataset(root, { corrections });
    const all = [...dataset.train, ...dataset.validation];
    const labelOf = (name: string) => all.find((sample) => sample.name === name)?.label;
    expect(all).toHaveLength(10);
    expect(labelOf('a/00.jpg')).toBe(1);
    expect(labelOf('b/copy of a0.jpg')).toBe(1);
    expect(labelOf('a/01.jpg')).toBeUndefined();
    expect(labelOf('b/00.jpg')).toBe(1);
    expect(dataset.corrections).toEqual({
      file: corrections,
      sha256: sha256(await readFile(corrections)),
      relabelled: 1,
      removed: 1,
      unused: 1,
    });
    expect((await scanDataset(root)).corrections).toBeUndefined();
  });

  it('reach every part of a folder with train and validation', async () => {
    const root = await folderWith({
      ...images('train/a', 3),
      ...images('train/b', 3),
      ...images('val/a', 3),
      ...images('val/b', 3),
    });
    const corrections = await csv(
      `${hashOf('train/a', 0)},,remove,`,
      `${hashOf('val/b', 1)},,relabel,a`,
    );
    const { train, validation } = await scanDataset(root, { corrections });
    expect(train.map(({ label }) => label)).toEqual([0, 0, 1, 1, 1]);
    expect(validation.map(({ label }) => label)).toEqual([0, 0, 0, 1, 0, 1]);
  });

  it('take images out of training alone where other parts have them too', async () => {
    const root = await folderWith({
      ...images('train/a', 3),
      ...images('train/b', 3),
      'train/a/again.jpg': 'train/a  0',
      'val/a/x.jpg': 'train/a  0',
      'test/b/x.jpg': 'train/b  1',
    });
    const corrections = await csv(
      `${hashOf('train/a', 0)},,remove-from-training,`,
      `${hashOf('train/b', 1)},,remove-from-training,`,
    );
    const { train, validation, test, ...rest } = await scanDataset(root, { corrections });
    const names = [train, validation, test].map((part) => part.map(({ name }) => name));
    expect(names).toEqual([
      ['train/a/01.jpg', 'train/a/02.jpg', 'train/b/00.jpg', 'train/b/02.jpg'],
      ['val/a/x.jpg'],
      ['test/b/x.jpg'],
    ]);
    expect(rest.corrections).toMatchObject({ removed: 3, unused: 0 });
    expect(rest.sameBytes).toEqual([]);
    const measured = await scanLabelled(join(root, 'val'), ['a', 'b'], { corrections });
    expect(measured.samples.map(({ name }) => name)).toEqual(['a/x.jpg']);
    const flat = await folderWith({
      ...images('a', 3),
      ...images('b', 3),
      'a/x.jpg': 'train/a  0',
    });
    const all = await scanDataset(flat, { corrections });
    expect(all.corrections).toMatchObject({ removed: 1, unused: 1 });
  });

  it('reach a labelled folder', async () => {
    const root = await folderWith(images('a', 3));
    const corrections = await csv(`${a0},,relabel,b`, `${a1},,remove,`);
    const { samples } = await scanLabelled(root, ['a', 'b'], { corrections });
    expect(samples.map(({ name, label }) => [name, label])).toEqual([
      ['a/00.jpg', 1],
      ['a/02.jpg', 0],
    ]);
  });

  it('make no class: a label that is none is refused', async () => {
    const root = await folderWith({ ...images('a', 3), ...images('b', 3) });
    const corrections = await csv(`${b0},,keep,`, `${a0},,relabel,B`);
    const refusal = await refusalOf(scanDataset(root, { corrections }));
    expect(refusal).toContain(`${corrections}, line 3: "B" is not a class of the data (a, b)`);
  });

  it('may empty a class, which then is none; not one that validation has', async () => {
    const three = { ...images('a', 3), ...images('b', 4), ...images('c', 1) };
    const corrections = await csv(`${hashOf('c', 0)},,relabel,b`);
    const root = await folderWith(three);
    const { classes, warnings, train, validation } = await scanDataset(root, { corrections });
    expect(classes).toEqual(['a', 'b']);
    expect(warnings.join()).toContain('leave no image of: c');
    expect([...train, ...validation].filter(({ label }) => label === 1)).toHaveLength(5);
    const all = await csv(...[0, 1, 2].map((i) => `${hashOf('train/a', i)},,remove,`));
    const split = await folderWith({
      ...images('train/a', 3),
      ...images('train/b', 3),
      ...images('train/c', 3),
      ...images('val/a', 1),
    });
    await expect(scanDataset(split, { corrections: all })).rejects.toThrow(
      'no training image of a, but val/a/00.jpg is of that class',
    );
  });

  it('of other data are warned of', async () => {
    const root = await folderWith({ ...images('a', 30), ...images('b', 30) });
    const corrections = await csv(`${sha256('elsewhere')},,remove,`);
    expect((await scanDataset(root, { corrections })).warnings).toEqual([
      `No correction in ${corrections} is of an image that is here.`,
    ]);
  });
});
