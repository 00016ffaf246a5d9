import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HeadstartError } from '@headstart/core';
import { describe, expect, it } from 'vitest';
import { addImage, scanDataset, scanLabelled } from '#core/dataset';
import { sharedPath } from '../../util/shared.ts';
import { folderWith, images } from './folders.ts';

async function layoutErrorOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HeadstartError);
  expect((error as HeadstartError).code).toBe('DATA_LAYOUT');
  return (error as HeadstartError).message;
}

const two = { ...images('a', 3), ...images('b', 3) };

describe('Names of the parts of a data set', () => {
  it.each([
    ['training_set', 'test_set', 'test'],
    ['seg_train', 'seg_test', 'test'],
    ['Train_Data', 'Test_Data', 'test'],
    ['Training', 'Testing', 'test'],
    ['train', 'dev', 'validation'],
    ['train', 'eval', 'validation'],
    ['train', 'holdout', 'validation'],
    ['train', 'hold-out', 'validation'],
  ])('%s and %s are parts, not classes', async (train, other, validationFrom) => {
    const root = await folderWith({
      ...images(`${train}/a`, 2),
      ...images(`${train}/b`, 2),
      ...images(`${other}/a`, 1),
      ...images(`${other}/b`, 1),
    });
    const dataset = await scanDataset(root);
    expect(dataset).toMatchObject({ layout: 'split', classes: ['a', 'b'], validationFrom });
    expect([dataset.train.length, dataset.validation.length]).toEqual([4, 2]);
  });

  it('a usual name wins over another one beside it', async () => {
    const parts = ['train', 'val', 'holdout'].flatMap((part) =>
      ['a', 'b'].map((name) => images(`${part}/${name}`, 2)),
    );
    const { validation, warnings } = await scanDataset(
      await folderWith(Object.assign({}, ...parts)),
    );
    expect(validation[0]?.name).toMatch(/^val\//);
    expect(warnings).toContainEqual(expect.stringContaining('holdout'));
  });

  it('folders that all hold the same folders are asked about', async () => {
    const parts = ['first', 'second'].flatMap((part) =>
      ['a', 'b'].map((name) => images(`${part}/${name}`, 3)),
    );
    const message = await layoutErrorOf(scanDataset(await folderWith(Object.assign({}, ...parts))));
    expect(message).toContain('first, second, which all hold the same folders a, b');
  });
});

describe('Names with accents', () => {
  const [composed, decomposed] = ['caf\u00E9', 'cafe\u0301'];

  it('are one class in both forms, in a folder and across its parts; both folders are named', async () => {
    const flat = await folderWith({
      ...images(composed, 3, 'c'),
      ...images(decomposed, 4, 'd'),
      ...images('tea', 3),
    });
    const { classes, train, validation, warnings } = await scanDataset(flat);
    expect(classes).toEqual([composed, 'tea']);
    expect([...train, ...validation].filter(({ label }) => label === 0)).toHaveLength(7);
    const folders = [decomposed, composed].map((name) => join(flat, name)).join(' and ');
    expect(warnings).toContain(
      `${folders} are one class: their names are the same in different Unicode forms.`,
    );

    const split = await folderWith({
      ...images(`train/${decomposed}`, 3),
      ...images('train/tea', 3),
      ...images(`val/${composed}`, 1),
    });
    const parts = await scanDataset(split);
    expect(parts.classes).toEqual([composed, 'tea']);
    expect(parts.validation.map(({ label }) => label)).toEqual([0]);
    expect(parts.warnings.join()).not.toContain('Unicode');
  });

  it('mean the same class in corrections, of a run, and where an image is added', async () => {
    const root = await folderWith({ ...images(decomposed, 3), ...images('tea', 3) });
    const hash = createHash('sha256').update('tea  0').digest('hex');
    const file = join(
      await folderWith({ 'c.csv': `hash,file,action,label\n${hash},,relabel,${decomposed}\n` }),
      'c.csv',
    );
    const { corrections } = await scanDataset(root, { corrections: file });
    expect(corrections?.relabelled).toBe(1);
    for (const name of [composed, decomposed]) {
      const { samples } = await scanLabelled(root, ['tea', name], { corrections: file });
      expect(samples.filter(({ label }) => label === 1)).toHaveLength(4);
    }
    for (const name of [composed, decomposed]) {
      const added = await addImage(root, name, { bytes: Buffer.from(name), extension: 'png' });
      expect(added.path.startsWith(join(root, decomposed))).toBe(true);
    }
  });
});

describe.skipIf(process.platform !== 'linux')('A name that is not UTF-8', () => {
  const latin = (path: string) => Buffer.concat([Buffer.from(path), Buffer.from([0xe9])]);

  it('is said to be just that, of a file, a folder within a class, and a class', async () => {
    const root = await folderWith(two);
    await writeFile(Buffer.concat([latin(join(root, 'a/caf')), Buffer.from('.jpg')]), 'x');
    await mkdir(latin(join(root, 'b/caf')));
    const { skipped, train, validation } = await scanDataset(root);
    const reason = 'its name is not UTF-8: rename it, for example with convmv';
    expect(skipped.map(({ reason: why }) => why)).toEqual([
      `it cannot be read (${reason})`,
      `the folder cannot be read (${reason})`,
    ]);
    expect(train.length + validation.length).toBe(6);
    await mkdir(latin(join(root, 'caf')));
    expect(await layoutErrorOf(scanDataset(root))).toContain(`cannot be read (${reason})`);
  });
});

describe('Scanning a folder with one folder a class', () => {
  it('finds classes and samples in code point order', async () => {
    const root = await folderWith({
      ...images('b', 2),
      ...images('B', 2),
      ...images('é', 2),
      ...images('\u{1F600}', 2),
      ...images('\uFF5E', 2),
    });
    const { classes, train, validation, layout, validationFrom } = await scanDataset(root);
    expect(classes).toEqual(['B', 'b', 'é', '\uFF5E', '\u{1F600}']);
    expect(layout).toBe('flat');
    expect(validationFrom).toBe('split');
    expect(train.map(({ label }) => label)).toEqual([0, 1, 2, 3, 4]);
    expect(validation.map(({ label }) => label)).toEqual([0, 1, 2, 3, 4]);
  });

  it('hashes the bytes of each file', async () => {
    const root = await folderWith({ ...two, 'a/large.jpg': Buffer.alloc(600_000, 7) });
    const { train, validation } = await scanDataset(root);
    const large = [...train, ...validation].find(({ name }) => name === 'a/large.jpg');
    const hash = createHash('sha256').update(Buffer.alloc(600_000, 7)).digest('hex');
    expect(large).toEqual({ path: join(root, 'a/large.jpg'), name: 'a/large.jpg', label: 0, hash });
  });

  it('walks nested folders and leaves hidden files alone', async () => {
    const root = await folderWith({
      ...two,
      'a/deep/er/x.PNG': 'x',
      'a/.hidden.jpg': 'h',
      'a/.cache/y.jpg': 'y',
      '.git/z/z.jpg': 'z',
      'a/Thumbs.db': 't',
    });
    const { train, validation, classes, skipped } = await scanDataset(root);
    expect(classes).toEqual(['a', 'b']);
    expect(skipped).toEqual([]);
    const names = [...train, ...validation].map(({ name }) => name);
    expect(names).toContain('a/deep/er/x.PNG');
    expect(names).toHaveLength(7);
  });

  it('names every file that it leaves out, with the reason', async () => {
    const root = await folderWith({
      ...two,
      'a/notes.txt': 't',
      'a/scan.tga': 'b',
      'b/phone.HEIC': 'h',
      'b/README': 'r',
      'b/empty.jpg': '',
      'stray.jpg': 's',
      'LICENSE.txt': 'l',
    });
    const { skipped } = await scanDataset(root);
    expect(skipped.map(({ path, reason }) => [path.slice(root.length + 1), reason])).toEqual([
      ['a/notes.txt', 'it is not an image by its name (.txt)'],
      ['a/scan.tga', 'TGA images cannot be read: convert it to PNG or JPEG'],
      ['b/README', 'it is not an image by its name (no extension)'],
      ['b/empty.jpg', 'the file is empty'],
      ['b/phone.HEIC', 'HEIC images cannot be read: convert it to PNG or JPEG'],
      ['stray.jpg', 'it lies beside the class folders, so it has no class'],
    ]);
  });

  it('follows links to files and class folders, but not links to folders within', async () => {
    const elsewhere = await folderWith(images('c', 3));
    const root = await folderWith(two);
    await symlink(join(elsewhere, 'c'), join(root, 'c'));
    await symlink(join(elsewhere, 'c', '00.jpg'), join(root, 'a', 'link.jpg'));
    await symlink(root, join(root, 'a', 'loop'));
    await symlink(join(root, 'nowhere'), join(root, 'b', 'broken.jpg'));
    const { classes, train, validation, skipped } = await scanDataset(root);
    expect(classes).toEqual(['a', 'b', 'c']);
    expect([...train, ...validation].map(({ name }) => name)).toContain('a/link.jpg');
    expect(skipped.map(({ path }) => basename(path))).toEqual(['loop', 'broken.jpg']);
    expect(skipped[0]?.reason).toContain('link to a folder');
    expect(skipped[1]?.reason).toContain('leads nowhere');
  });

  it.skipIf(process.platform === 'win32')('does not wait for pipes', async () => {
    const root = await folderWith(two);
    execFileSync('mkfifo', [join(root, 'a', 'pipe.jpg')]);
    const { skipped } = await scanDataset(root);
    expect(skipped.map(({ reason }) => reason)).toEqual(['it is not a regular file']);
  });

  it('takes a folder named train with images in it for a class', async () => {
    const root = await folderWith({ ...images('train', 3), ...images('bus', 3) });
    const { classes, layout } = await scanDataset(root);
    expect(classes).toEqual(['bus', 'train']);
    expect(layout).toBe('flat');
  });

  it('leaves out class folders without images, and says so', async () => {
    const root = await folderWith({ ...two, 'c/notes.txt': 't' });
    const { classes, warnings } = await scanDataset(root);
    expect(classes).toEqual(['a', 'b']);
    expect(warnings.join('\n')).toContain(`${join(root, 'c')} holds no images`);
  });

  it('warns of classes with fewer than 20 images', async () => {
    const root = await folderWith({ ...images('a', 19), ...images('b', 20) });
    const { warnings } = await scanDataset(root);
    expect(warnings).toEqual([
      'Classes with fewer than 20 images: a (19). Results for them are unreliable.',
    ]);
  });

  it('reports progress in files, to the end', async () => {
    const done: number[] = [];
    await scanDataset(await folderWith(two), { onProgress: (p) => done.push(p.done) });
    expect(done).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('stops when it is aborted', async () => {
    const root = await folderWith(two);
    const reason = new Error('enough');
    await expect(scanDataset(root, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('Scanning a folder with train and other splits', () => {
  const train = { ...images('Train/a', 3), ...images('Train/b', 3) };

  it('takes validation and test folders, whatever the case of their names', async () => {
    const root = await folderWith({
      ...train,
      ...images('VALID/a', 2),
      ...images('VALID/b', 1),
      ...images('Test/a', 1),
    });
    const set = await scanDataset(root);
    expect(set.layout).toBe('split');
    expect(set.validationFrom).toBe('validation');
    expect(set.train).toHaveLength(6);
    expect(set.validation.map(({ label }) => label)).toEqual([0, 0, 1]);
    expect(set.test.map(({ name }) => name)).toEqual(['Test/a/00.jpg']);
    expect(set.warnings.join('\n')).toContain(`${join(root, 'Test')} has no images of: b`);
  });

  it('lets the test folder validate where there is no validation folder, and says so', async () => {
    const root = await folderWith({ ...train, ...images('test/a', 2), ...images('test/b', 2) });
    const set = await scanDataset(root);
    expect(set.validationFrom).toBe('test');
    expect(set.validation).toHaveLength(4);
    expect(set.test).toEqual(set.validation);
    expect(set.warnings.join('\n')).toContain('the test folder validates');
  });

  it('splits the training folder where it stands alone', async () => {
    const set = await scanDataset(await folderWith(train));
    expect(set.layout).toBe('split');
    expect(set.validationFrom).toBe('split');
    expect(set.train).toHaveLength(4);
    expect(set.validation).toHaveLength(2);
  });

  it('refuses a validation class that training does not have', async () => {
    const root = await folderWith({ ...train, ...images('val/a', 2), ...images('val/c', 2) });
    const message = await layoutErrorOf(scanDataset(root));
    expect(message).toContain('classes that the training folder does not have: c');
  });

  it('warns of content that is in training and in validation', async () => {
    const root = await folderWith({
      ...train,
      ...images('val/a', 2),
      'val/b/copy.jpg': 'Train/b  1',
    });
    const { warnings } = await scanDataset(root);
    expect(warnings.join('\n')).toContain(
      '1 of 3 validation images have the same content as training images (val/b/copy.jpg is Train/b/01.jpg)',
    );
  });

  it('warns of content under two classes, in whatever parts, also in a folder without parts', async () => {
    const root = await folderWith({
      ...train,
      ...images('val/a', 2),
      'Train/b/copy.jpg': 'Train/a  0',
      'val/b/copy.jpg': 'Train/a  0',
      'val/b/torn.jpg': 'val/a  1',
    });
    const { warnings, sameBytes } = await scanDataset(root);
    const conflict =
      '5 images have the same content under two classes (Train/a/00.jpg is Train/b/copy.jpg), so one of the labels is wrong.';
    const leak =
      '1 of 4 validation images have the same content as training images (val/b/copy.jpg is Train/b/copy.jpg)';
    expect(sameBytes.map((text) => text.split('.jpg)')[0])).toEqual([
      conflict.split('.jpg)')[0],
      leak.split('.jpg)')[0],
    ]);
    expect(sameBytes[0]).toContain(conflict);
    expect(warnings).toEqual(expect.arrayContaining([...sameBytes]));
    const flat = await folderWith({ ...two, 'b/copy.jpg': 'a  0' });
    expect((await scanDataset(flat)).sameBytes.join()).toContain('2 images have the same content');
    expect((await scanDataset(await folderWith(two))).sameBytes).toEqual([]);
  });

  it('refuses two folders that mean the same', async () => {
    const root = await folderWith({ ...train, ...images('val/a', 1), ...images('valid/a', 1) });
    expect(await layoutErrorOf(scanDataset(root))).toContain('val, valid, which mean the same');
  });

  it('says which other folders it does not use', async () => {
    const root = await folderWith({ ...train, ...images('extra/a', 1) });
    const { warnings } = await scanDataset(root);
    expect(warnings).toContain('The folder extra beside Train is not used.');
  });
});

describe('A folder that is no data set is refused in one sentence', () => {
  it('when it is missing', async () => {
    const message = await layoutErrorOf(scanDataset('/no/such/folder'));
    expect(message).toMatch(/^There is no folder \/no\/such\/folder: expected /);
  });

  it('when it is a file', async () => {
    const root = await folderWith({ 'a.jpg': 'x' });
    const message = await layoutErrorOf(scanDataset(join(root, 'a.jpg')));
    expect(message).toContain('is a file, not a folder');
  });

  it('when it is empty', async () => {
    const message = await layoutErrorOf(scanDataset(await folderWith()));
    expect(message).toContain('has no class folders with images');
  });

  it('when it holds images but no class folders', async () => {
    const root = await folderWith({ 'x.jpg': 'x', 'y.jpg': 'y' });
    const message = await layoutErrorOf(scanDataset(root));
    expect(message).toContain(`2 files are left out, for example ${join(root, 'x.jpg')}: it lies`);
  });

  it('when all its files are of a kind that cannot be read, with that reason', async () => {
    const root = await folderWith({ 'a/notes.txt': 't', 'a/x.heic': 'x', 'b/y.heic': 'y' });
    const message = await layoutErrorOf(scanDataset(root));
    expect(message).toContain(
      `3 files are left out, for example ${join(root, 'a/x.heic')}: HEIC images cannot be read`,
    );
  });

  it('when it has one class only', async () => {
    const root = await folderWith(images('cats', 3));
    expect(await layoutErrorOf(scanDataset(root))).toContain('has only one class, cats');
  });

  it('when it has a test folder but no train folder', async () => {
    const root = await folderWith({ ...images('test/a', 1), ...images('test/b', 1) });
    expect(await layoutErrorOf(scanDataset(root))).toContain('has test but no train folder');
  });

  it('when nothing in it can be read', async () => {
    const root = await folderWith({ 'a/x.jpg': '', 'b/x.jpg': '' });
    expect(await layoutErrorOf(scanDataset(root))).toContain('None of the files');
  });

  it('when all its images are the same', async () => {
    const root = await folderWith({ 'a/x.jpg': 'same', 'b/x.jpg': 'same' });
    expect(await layoutErrorOf(scanDataset(root))).toContain('too few different images');
  });

  it.skipIf(process.getuid?.() === 0)('when it may not be read', async () => {
    const root = await folderWith(two);
    await chmod(root, 0);
    expect(await layoutErrorOf(scanDataset(root))).toContain('may not be read');
    await chmod(root, 0o755);
  });

  it('and so is a validation fraction outside of 0 to 1', async () => {
    const root = await folderWith(two);
    await expect(scanDataset(root, { validationFraction: 1 })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });
});

describe('Scanning a labelled folder for known classes', () => {
  it('labels after the list given, not after the folder', async () => {
    const root = await folderWith({ ...images('b', 1), ...images('c', 1) });
    const { samples } = await scanLabelled(root, ['c', 'a', 'b']);
    expect(samples.map(({ name, label }) => [name, label])).toEqual([
      ['b/00.jpg', 2],
      ['c/00.jpg', 0],
    ]);
  });

  it('refuses folders that are no classes, by name', async () => {
    const root = await folderWith({ ...images('b', 1), ...images('x', 1) });
    const message = await layoutErrorOf(scanLabelled(root, ['a', 'b']));
    expect(message).toContain('not classes here: x (the classes are a, b)');
  });

  it('refuses a folder without images', async () => {
    const message = await layoutErrorOf(scanLabelled(await folderWith(), ['a', 'b']));
    expect(message).toContain('the classes a, b');
  });

  it('skips empty files with the reason', async () => {
    const root = await folderWith(images('a', 2));
    await truncate(join(root, 'a/00.jpg'), 0);
    const { samples, skipped } = await scanLabelled(root, ['a']);
    expect(samples).toHaveLength(1);
    expect(skipped).toEqual([{ path: join(root, 'a/00.jpg'), reason: 'the file is empty' }]);
  });
});

const flowers = sharedPath('data/flowers');

describe.skipIf(!flowers)('Scanning flowers', () => {
  it('finds 100 training and 40 validation images of each class, and no leak', async () => {
    const { classes, train, validation, warnings, skipped } = await scanDataset(flowers as string);
    expect(classes).toEqual(['daisy', 'dandelion', 'roses', 'sunflowers', 'tulips']);
    for (const label of classes.keys()) {
      expect(train.filter((sample) => sample.label === label)).toHaveLength(100);
      expect(validation.filter((sample) => sample.label === label)).toHaveLength(40);
    }
    expect(warnings).toHaveLength(1);
    expect(skipped).toEqual([]);
  });
});
