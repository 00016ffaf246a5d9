import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadstartError } from '@headstart/core';
import { describe, expect, it } from 'vitest';
import { addImage, type Dataset, imagesRoot, scanDataset, scanLabelled } from '#core/dataset';
import { scanOnce } from '#core/features';
import { folderWith, images } from './folders.ts';

const six = { ...images('a', 3), ...images('b', 3) };
const files = Object.keys(six);

/** Rows of all six images, with what `more` says of each. */
function rows(more: (file: string, i: number) => string, order = files): string {
  return order.map((file, i) => `${more(file, i)}\n`).join('');
}

const labelOf = (file: string) => file[0] as string;

async function scanTable(
  text: string | Uint8Array,
  name = 'photos.csv',
  options: Parameters<typeof scanDataset>[1] = {},
): Promise<Dataset> {
  const root = await folderWith({ ...six, [name]: text });
  return scanDataset(join(root, name), options);
}

async function refusal(text: string | Uint8Array, name?: string, options?: object) {
  const error = await scanTable(text, name, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HeadstartError);
  return { code: (error as HeadstartError).code, message: (error as HeadstartError).message };
}

const all = ({ train, validation, test, validationFrom }: Dataset) =>
  [...train, ...validation, ...(validationFrom === 'test' ? [] : test)]
    .map(({ name, label }) => `${name} ${label}`)
    .sort();
const expected = files.map((file) => `${file} ${file.startsWith('a') ? 0 : 1}`);

describe('A table of images as other programs write it', () => {
  it('of pandas, with its index first', async () => {
    const text = `,path,label\n${rows((file, i) => `${i},${file},${labelOf(file)}`)}`;
    const dataset = await scanTable(text);
    expect(dataset).toMatchObject({ classes: ['a', 'b'], layout: 'flat', validationFrom: 'split' });
    expect(all(dataset)).toEqual(expected);
    expect(dataset.warnings.filter((one) => one.includes('photos.csv'))).toEqual([]);
  });

  it('of pandas, without an image: the row is left out and named with its line', async () => {
    const text = `,path,label\n${rows((file, i) => `${i},${file},${labelOf(file)}`)}6,a/none.jpg,a\n`;
    const dataset = await scanTable(text);
    expect(all(dataset)).toEqual(expected);
    expect(dataset.skipped).toEqual([
      {
        path: join(dataset.root, 'a/none.jpg'),
        reason: 'there is no such file (photos.csv, line 8)',
      },
    ]);
  });

  it('of fastai, with and without is_valid', async () => {
    const valid = (i: number) => (i % 3 === 0 ? 'True' : 'False');
    const text = rows((file, i) => `${file},${labelOf(file)},${valid(i)}`);
    const dataset = await scanTable(`fname,label,is_valid\n${text}`, 'labels.csv');
    expect(dataset).toMatchObject({ layout: 'split', validationFrom: 'validation' });
    expect(dataset.validation.map(({ name }) => name)).toEqual(['a/00.jpg', 'b/00.jpg']);
    expect(dataset.train).toHaveLength(4);
    const without = rows((file) => `${file},${labelOf(file)}`);
    expect(all(await scanTable(`fname,label\n${without}`, 'labels.csv'))).toEqual(expected);
  });

  it('of fastai, with something else in is_valid', async () => {
    const text = rows((file, i) => `${file},${labelOf(file)},${i === 4 ? 'maybe' : 'False'}`);
    const { code, message } = await refusal(`fname,label,is_valid\n${text}`);
    expect(code).toBe('DATA_LAYOUT');
    expect(message).toMatch(
      /photos\.csv, line 6: "maybe" is not a split: it must be train, validation or test\.$/,
    );
  });

  it('of Keras, with a folder that the names are relative to', async () => {
    const text = `filename,class\n${rows((file) => `${file},${labelOf(file)}`)}`;
    const root = await folderWith({ ...six, 'tables/train.csv': text });
    const table = join(root, 'tables/train.csv');
    expect(all(await scanDataset(table, { root }))).toEqual(expected);
    const lost = await scanDataset(table).catch((error: Error) => error.message);
    expect(lost).toContain('names no image that can be used, the first because');
    expect(lost).toContain('tables/a/00.jpg: there is no such file (train.csv, line 2)');
    expect(lost).toContain('or to what `root` says');
  });

  it('of Keras, with an image under two classes', async () => {
    const text = `filename,class\n${rows((file) => `${file},${labelOf(file)}`)}a/01.jpg,b\n`;
    const { message } = await refusal(text);
    expect(message).toMatch(
      /photos\.csv, line 8: the label of .*a\/01\.jpg is b here and a in line 3: keep one of the two\.$/,
    );
  });

  it('of ML.NET, with tabs and backslashes', async () => {
    const text = `ImagePath\tLabel\r\n${rows((file) => `${file.replace('/', '\\')}\t${labelOf(file)}\r`)}`;
    expect(all(await scanTable(text, 'images.tsv'))).toEqual(expected);
  });

  it('of ML.NET, without a header', async () => {
    const { message } = await refusal(
      rows((file) => `${file}\t${labelOf(file)}`),
      'images.tsv',
    );
    expect(message).toContain('images.tsv has no column of image files: its first line must name');
    expect(message).toContain('(its columns are a/00.jpg, a)');
  });

  it('of Hugging Face, metadata.csv and metadata.jsonl', async () => {
    const csv = `file_name,label\n${rows((file) => `${file},${labelOf(file)}`)}`;
    expect(all(await scanTable(csv, 'metadata.csv'))).toEqual(expected);
    const json = rows((file, i) =>
      JSON.stringify({ file_name: file, label: file.startsWith('a') ? 0 : 1, text: ['x', i] }),
    );
    const dataset = await scanTable(json, 'metadata.jsonl');
    expect(dataset.classes).toEqual(['0', '1']);
    expect(all(dataset)).toEqual(expected);
  });

  it('of Hugging Face, with a list of labels, and with a line that is not JSON', async () => {
    const json = (label: unknown) => rows((file) => JSON.stringify({ file_name: file, label }));
    const list = await refusal(json(['a', 'b']), 'metadata.jsonl');
    expect(list.message).toMatch(
      /metadata\.jsonl, line 1: the label is a list, and an image has one label\.$/,
    );
    const broken = await refusal(`${json('a')}{"file_name": `, 'metadata.jsonl');
    expect(broken.message).toMatch(/metadata\.jsonl, line 7: it is not JSON \(/);
  });
});

describe('A table of images', () => {
  const plain = `path,label\n${rows((file) => `${file},${labelOf(file)}`)}`;

  it('gives the samples, the split and the order of the folders that it names', async () => {
    const root = await folderWith({
      ...six,
      'photos.csv': `path,label\n${rows((file) => `${file},${labelOf(file)}`, [...files].reverse())}`,
    });
    const table = await scanDataset(join(root, 'photos.csv'), { testFraction: 0.3, seed: 5 });
    await rm(join(root, 'photos.csv'));
    const folder = await scanDataset(root, { testFraction: 0.3, seed: 5 });
    expect(table).toEqual(folder);
  });

  it.each([
    ['UTF-8 with a mark', Buffer.from(`\uFEFF${plain}`)],
    ['UTF-16, little endian', Buffer.from(`\uFEFF${plain}`, 'utf16le')],
    ['UTF-16, big endian', Buffer.from(`\uFEFF${plain}`, 'utf16le').swap16()],
    ['CRLF', Buffer.from(plain.replaceAll('\n', '\r\n'))],
    ['semicolons', Buffer.from(plain.replaceAll(',', ';'))],
    ['quotes', Buffer.from(plain.replace('a/00.jpg,a', '"a/00.jpg","a"'))],
  ])('is read in %s', async (_, bytes) => {
    expect(all(await scanTable(bytes))).toEqual(expected);
  });

  it('is refused in another encoding, and with quotes that are none', async () => {
    const latin = await refusal(Buffer.from(plain.replace(',a\n', ',\xe4\n'), 'latin1'));
    expect(latin.message).toContain('photos.csv is not text in UTF-8 or UTF-16: save it as UTF-8');
    const quotes = await refusal(plain.replace('a/01.jpg', '"a/01.jpg'));
    expect(quotes.message).toContain('the quotes are not valid in CSV');
    const comma = await refusal(plain.replace('a/01.jpg,a', 'a/01.jpg,a,b'));
    expect(comma.message).toContain('photos.csv, line 3: there are 3 values for 2 columns');
  });

  it.each([
    ['photos.csv', ',', 'comma'],
    ['photos.csv', ';', 'semicolon'],
    ['photos.tsv', '\t', 'tab'],
  ])('is refused with too many values, which %s separates by "%s"', async (name, mark, word) => {
    const text = plain.replace('a/01.jpg,a', 'a/01.jpg,a,b').replaceAll(',', mark);
    const { message } = await refusal(text, name);
    expect(message).toContain(`there are 3 values for 2 columns: a value with a ${word} in it`);
  });

  it('has columns of other names where they are named, and asks where several may be meant', async () => {
    const text = `photo,kind,part,scene\n${rows((file, i) => `${file},${labelOf(file)},${i % 3 === 2 ? 'val' : 'training_set'},s${i}`)}`;
    const named = { pathColumn: 'photo', labelColumn: 'kind', splitColumn: 'part' };
    const dataset = await scanTable(text, 'photos.csv', { ...named, groupColumn: 'scene' });
    expect(all(dataset)).toEqual(expected);
    expect(dataset.validation.map(({ name }) => name)).toEqual(['a/02.jpg', 'b/02.jpg']);
    expect(dataset.train[0]?.group).toBe('s0');
    expect((await refusal(text)).message).toContain(
      'with `pathColumn` (its columns are photo, kind',
    );
    const wrong = await refusal(text, 'photos.csv', { ...named, groupColumn: 'Scene' });
    expect(wrong).toEqual({
      code: 'USAGE',
      message: expect.stringContaining('has no column "Scene" for `groupColumn`: its columns are'),
    });
    const two = `file,image,label\n${rows((file) => `${file},${file},${labelOf(file)}`)}`;
    expect((await refusal(two)).message).toContain(
      'has several columns that may be the path, file, image: say which with `pathColumn`',
    );
  });

  it('keeps groups together, also in a split of its own', async () => {
    const many = { ...images('a', 20), ...images('b', 20) };
    const text = Object.keys(many).map((file, i) => `${file},${labelOf(file)},g${(i % 20) >> 2}\n`);
    const root = await folderWith({ ...many, 'photos.csv': `path,label,group\n${text.join('')}` });
    const { train, validation } = await scanDataset(join(root, 'photos.csv'));
    const groups = (samples: typeof train) => new Set(samples.map(({ group }) => group));
    expect(groups(validation).size).toBe(1);
    expect(validation).toHaveLength(8);
    expect([...groups(train)].filter((one) => groups(validation).has(one))).toEqual([]);
    const mixed = text.map((row, i) => `${row.trim()},${i % 2 ? 'train' : 'test'}\n`);
    const parted = await folderWith({
      ...many,
      'photos.csv': `path,label,group,split\n${mixed.join('')}`,
    });
    const { warnings } = await scanDataset(join(parted, 'photos.csv'));
    expect(warnings.join('\n')).toContain(
      '20 of 20 test images are of groups that training has too',
    );
    expect(warnings.join('\n')).toContain(
      'There is no validation part, so the test part validates',
    );
  });

  it('says that weights are not used, and which images it names twice', async () => {
    const text = `path,label,weight\n${rows((file) => `${file},${labelOf(file)},2`)}./a/00.jpg,a,1\n`;
    const { warnings, train, validation } = await scanTable(text);
    expect(train.length + validation.length).toBe(6);
    expect(warnings.join('\n')).toContain('has a column of weights, which is not used');
    expect(warnings.join('\n')).toMatch(/more than once.*a\/00\.jpg in lines 2 and 8\./);
  });

  it('leaves out rows without a label, folders and what is not a file', async () => {
    const text = plain.replace('a/00.jpg,a', 'a/00.jpg,').replace('a/01.jpg,a', 'a,a');
    const { skipped } = await scanTable(text);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      'it is a folder (photos.csv, line 3)',
      'it has no label (photos.csv, line 2)',
    ]);
  });

  it('refuses addresses, empty paths, one label, no rows, and parts without training', async () => {
    const of = async (text: string) => (await refusal(text)).message;
    expect(await of('path,label\nhttps://example.org/a.jpg,a\n')).toContain(
      'photos.csv, line 2: https://example.org/a.jpg is an address: fetch the images first',
    );
    expect(await of('path,label\na/00.jpg,a\n,b\n')).toContain('line 3: there is no path');
    expect(await of('path,label\na/00.jpg,a\na/01.jpg,a\n')).toContain(
      'has the label a alone: images of two at least are needed',
    );
    expect(await of('path,label\n')).toContain('has no rows');
    expect(await of('')).toContain('photos.csv is empty: its first line must name the columns');
    expect((await refusal('\n', 'photos.jsonl')).message).toMatch(
      /photos\.jsonl is empty: each line must be an object\.$/,
    );
    const split = rows((file, i) => `${file},${labelOf(file)},${i % 2 ? 'test' : 'val'}`);
    expect(await of(`path,label,split\n${split}`)).toContain(
      'has rows of the split validation, test but none of train',
    );
    const missing = await scanDataset('/no/such/photos.csv').catch((error: Error) => error.message);
    expect(missing).toBe('The table /no/such/photos.csv is not there.');
  });

  it('takes all rows alike where they are of one part, and says so', async () => {
    const text = `path,label,split\n${rows((file) => `${file},${labelOf(file)},test`)}`;
    const { layout, warnings } = await scanTable(text);
    expect(layout).toBe('flat');
    expect(warnings.join('\n')).toContain('are of the split test: all are taken alike');
  });

  it('names images elsewhere by their whole path', async () => {
    const elsewhere = await folderWith(six);
    const text = `path,label\n${rows((file) => `${join(elsewhere, file)},${labelOf(file)}`)}`;
    const { train } = await scanTable(text);
    expect(train[0]).toMatchObject({
      name: train[0]?.path,
      path: expect.stringContaining(elsewhere),
    });
  });

  it('refuses classes in validation that training does not have', async () => {
    const text = rows(
      (file, i) => `${file},${i === 5 ? 'c' : labelOf(file)},${i === 5 ? 'val' : 'train'}`,
    );
    expect((await refusal(`path,label,split\n${text}`)).message).toContain(
      'photos.csv (validation) has classes that the training rows do not have: c',
    );
  });

  it('is measured with the labels of a run', async () => {
    const root = await folderWith({ ...six, 'photos.csv': plain });
    const table = join(root, 'photos.csv');
    const { samples } = await scanLabelled(table, ['b', 'x', 'a']);
    expect(samples.map(({ label }) => label)).toEqual([2, 2, 2, 0, 0, 0]);
    const unknown = await scanLabelled(table, ['a', 'x']).catch((error: Error) => error.message);
    expect(unknown).toContain('has labels that are not classes here: b');
  });

  it('is read once, also where its images are read later', async () => {
    const root = await folderWith({ ...six, 'photos.csv': plain });
    const table = join(root, 'photos.csv');
    const scan = await scanOnce(table, { cacheDir: await folderWith() });
    await rm(table);
    expect(all(await scan())).toEqual(expected);
  });

  it.skipIf(process.platform === 'win32')('names links to files as files are named', async () => {
    const root = await folderWith(six);
    await symlink(join(root, 'a/00.jpg'), join(root, 'link.jpg'));
    const more = await folderWith({
      't.csv': `${plain}link.jpg,a\nnowhere/x.jpg,a\na/00.jpg/x.jpg,a\n`,
    });
    const dataset = await scanDataset(join(more, 't.csv'), { root });
    expect(all(dataset)).toEqual([...expected, 'link.jpg 0'].sort());
    expect(dataset.skipped.map(({ reason }) => reason)).toEqual([
      'there is no such file (t.csv, line 10)',
      'there is no such file (t.csv, line 9)',
    ]);
  });

  it('is a folder where a folder has such a name', async () => {
    const parent = await folderWith();
    await mkdir(join(parent, 'x.csv'));
    const message = await scanDataset(join(parent, 'x.csv')).catch((error: Error) => error.message);
    expect(message).toContain('x.csv has no class folders');
  });
});

describe('A folder that is called like a table', () => {
  it('is a folder, also to those who ask where its images are', async () => {
    const inside = Object.entries(six).map(([file, bytes]) => [`photos.csv/${file}`, bytes]);
    const folder = join(await folderWith(Object.fromEntries(inside)), 'photos.csv');
    const dataset = await scanDataset(folder);
    expect(all(dataset)).toEqual(expected);
    expect([dataset.root, imagesRoot(folder, {})]).toEqual([folder, folder]);
    const added = await addImage(folder, 'b', { bytes: Buffer.from('picture'), extension: 'png' });
    expect(added.path.startsWith(join(folder, 'b', 'added-'))).toBe(true);
  });
});
