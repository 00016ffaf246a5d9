import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Notice } from '@headstart/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readRun, readRunWeights, verifyRun, writeRun } from '#core/run';
import { temporaryBeside } from '../../../packages/core/src/base/temporary-files.ts';
import { contentsOfRun } from './contents.ts';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'headstart-'));
  folder = join(root, 'run');
});
afterEach(() => rm(root, { recursive: true }));

const text = (name: string) => readFile(join(folder, name), 'utf8');

describe('a run folder', () => {
  test('holds every file, and nothing that was temporary', async () => {
    await writeRun(folder, contentsOfRun());
    expect((await readdir(folder)).sort()).toEqual([
      'confusion.csv',
      'confusion.svg',
      'curves.svg',
      'head.safetensors',
      'history.csv',
      'labels.txt',
      'metrics.json',
      'predictions.csv',
      'reliability.svg',
      'report.html',
      'run.json',
      'skipped.csv',
    ]);
  });

  test('is complete before anything is drawn, and a part that fails is a warning', async () => {
    const notices: Notice[] = [];
    // A folder in the place of a plot: it cannot be written.
    await mkdir(join(folder, 'curves.svg/in the way'), { recursive: true });
    let complete: unknown;
    const pictures = async () => {
      complete = (await readRun(folder)).record.result;
      throw new Error('There is no memory for it.');
    };
    const onNotice = (notice: Notice) => notices.push(notice);
    const contents = contentsOfRun();
    const written = await writeRun(folder, { ...contents, pictures, onNotice });
    expect(complete).toEqual(contents.record.result);
    expect(notices).toEqual([
      { level: 'warning', text: expect.stringMatching(/^The plot .*curves\.svg is missing: /) },
      {
        level: 'warning',
        text: 'A picture of a mistake is missing: There is no memory for it. The rest is complete.',
      },
    ]);
    const { files } = (await readRun(folder)).record;
    expect(files).toEqual(written.files);
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining(['confusion.svg', 'report.html', 'head.safetensors']),
    );
    expect(files).not.toHaveProperty('curves.svg');
  });

  test('of an earlier version is read, with the pictures of its plots', async () => {
    await writeRun(folder, contentsOfRun());
    const record = JSON.parse(await text('run.json'));
    await writeFile(join(folder, 'curves.png'), 'picture');
    record.files['curves.png'] = {
      bytes: 7,
      sha256: createHash('sha256').update('picture').digest('hex'),
    };
    await writeFile(join(folder, 'run.json'), JSON.stringify(record));
    expect((await readRun(folder)).record.files).toHaveProperty('curves.png');
  });

  test('says in tables what happened', async () => {
    const skipped = [{ path: '/data/lights/red/"bad", one.png', reason: 'It is cut off.' }];
    await writeRun(folder, contentsOfRun({ skipped }));
    expect(await text('labels.txt')).toBe('green\nred\n');
    expect(await text('skipped.csv')).toBe(
      'file,reason\n"/data/lights/red/""bad"", one.png",It is cut off.\n',
    );
    expect(await text('confusion.csv')).toBe('true \\ predicted,green,red\ngreen,1,0\nred,1,1\n');
    const predictions = (await text('predictions.csv')).split('\n');
    expect(predictions[0]).toBe('file,label,predicted,probability,label_probability,correct,hash');
    expect(predictions[3]).toBe('red/2.png,red,green,0.75,0.25,false,');
    const metrics = JSON.parse(await text('metrics.json'));
    expect(metrics).toMatchObject({
      samples: 3,
      accuracy: 2 / 3,
      classes: [{ name: 'green' }, {}],
    });
  });

  test('is read back as it was written, also after it was moved', async () => {
    const contents = contentsOfRun();
    const written = await writeRun(folder, contents);
    const moved = join(root, 'elsewhere');
    await cp(folder, moved, { recursive: true });
    await rm(folder, { recursive: true });
    const run = await readRun(moved);
    expect(run.record).toEqual(JSON.parse(JSON.stringify(written)));
    expect(run.record).toMatchObject(JSON.parse(JSON.stringify(contents.record)));
    expect(await readRunWeights(run)).toEqual(contents.weights);
  });

  test('is replaced by a new run, and can be read until that is complete', async () => {
    await writeRun(folder, contentsOfRun());
    await writeFile(join(folder, 'folds.json'), '{}');
    await writeFile(join(folder, 'corrections.csv'), 'kept');
    const before = await readdir(folder);
    const controller = new AbortController();
    const contents = contentsOfRun({ classes: ['off', 'on'] });
    const running = writeRun(folder, { ...contents, signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toBe(controller.signal.reason);
    expect((await readdir(folder)).sort()).toEqual(before.sort());
    let [reads, done] = [0, false];
    const write = async () => {
      for (let i = 0; i < 5; i++) await writeRun(folder, i % 2 ? contentsOfRun() : contents);
    };
    const writing = write().finally(() => {
      done = true;
    });
    while (!done) {
      expect((await readRun(folder)).folder).toBe(folder);
      reads += 1;
    }
    await writing;
    expect(reads).toBeGreaterThan(0);
    expect((await readRun(folder)).record.classes).toEqual(['off', 'on']);
    expect(await text('corrections.csv')).toBe('kept');
    expect((await readdir(folder)).sort()).toEqual(before.filter((n) => n !== 'folds.json').sort());
  });

  test('of which a new run replaces the files is read when that is done, however long it takes', async () => {
    await writeRun(folder, contentsOfRun());
    const next = join(root, 'next');
    await writeRun(next, contentsOfRun({ classes: ['off', 'on'] }));
    const beside = temporaryBeside(join(folder, 'run'));
    await mkdir(beside);
    const names = (await readdir(next)).filter((name) => name !== 'run.json');
    for (const name of names) await rename(join(next, name), join(folder, name));
    const reading = readRun(folder);
    await setTimeout(300);
    await rename(join(next, 'run.json'), join(folder, 'run.json'));
    await rm(beside, { recursive: true });
    expect((await reading).record.classes).toEqual(['off', 'on']);
  });

  test('that cannot be written is said', async () => {
    await writeFile(folder, 'a file');
    await expect(writeRun(folder, contentsOfRun())).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
  });
});

describe('a run that cannot be used is refused', () => {
  const refusal = async (message: string) => {
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'RUN_INVALID',
      message: expect.stringContaining(message),
    });
  };
  const edit = async (change: (record: Record<string, unknown>) => void) => {
    const record = JSON.parse(await text('run.json'));
    change(record);
    await writeFile(join(folder, 'run.json'), JSON.stringify(record));
  };

  test('because there is no folder', () => refusal(`There is no run folder ${folder}`));

  test('because it is a file', async () => {
    await writeFile(folder, '');
    await refusal("is a file: name the run's folder");
  });

  test('because a file is missing or was cut off', async () => {
    await writeRun(folder, contentsOfRun());
    await writeFile(join(folder, 'head.safetensors'), 'short');
    await refusal('head.safetensors has 5 bytes, not the');
    await rm(join(folder, 'head.safetensors'));
    await refusal('The file head.safetensors of the run');
  });

  test.each(['head.safetensors', 'labels.txt', 'report.html'])(
    'because %s was changed, though it has as many bytes',
    async (name) => {
      await writeRun(folder, contentsOfRun());
      const bytes = await readFile(join(folder, name));
      bytes[bytes.length - 2] = (bytes[bytes.length - 2] as number) ^ 1;
      await writeFile(join(folder, name), bytes);
      await refusal(`${join(folder, name)} was changed since the run was written`);
    },
  );

  test('because a large file was changed: by its weights when they are read, else when it is verified', async () => {
    await writeRun(folder, contentsOfRun());
    const large = Buffer.alloc(2 ** 21, 'x');
    await writeFile(join(folder, 'head.safetensors'), large);
    await writeFile(join(folder, 'metrics.json'), large);
    await edit((record) => {
      const files = record.files as Record<string, { bytes: number }>;
      for (const name of ['head.safetensors', 'metrics.json']) files[name]!.bytes = large.length;
    });
    const run = await readRun(folder);
    const changed = (name: string) => `${join(folder, name)} was changed since the run was written`;
    await expect(readRunWeights(run)).rejects.toThrow(changed('head.safetensors'));
    await writeRun(folder, contentsOfRun());
    await writeFile(join(folder, 'metrics.json'), large);
    await edit((record) => {
      (record.files as Record<string, { bytes: number }>)['metrics.json']!.bytes = large.length;
    });
    await expect(verifyRun(await readRun(folder))).rejects.toMatchObject({
      code: 'RUN_INVALID',
      message: expect.stringContaining(changed('metrics.json')),
    });
  });

  test.each<[string, (record: Record<string, unknown>) => void]>([
    ['does not describe a run', (record) => delete record.format],
    ['has the version 2: use the Headstart that wrote it', (record) => (record.version = 2)],
    ['has no "head"', (record) => delete record.head],
    ['has no list of class names', (record) => (record.classes = ['green', 7])],
    ['describes no head for its 3 classes', (record) => (record.classes = ['a', 'b', 'c'])],
    [
      'lists the unknown file "../../etc/passwd"',
      (record) => (record.files = { '../../etc/passwd': { bytes: 1, sha256: '' } }),
    ],
    [
      'has the temperature 0, not a number above 0',
      (record) => (record.calibration = { temperature: 0 }),
    ],
    ['has no image size', (record) => (record.image = { height: -1, width: 2 })],
  ])('because run.json %s', async (message, change) => {
    await writeRun(folder, contentsOfRun());
    await edit(change);
    await refusal(message);
  });

  test('because run.json is not JSON', async () => {
    await writeRun(folder, contentsOfRun());
    await writeFile(join(folder, 'run.json'), '{ "format": ');
    await refusal('run.json is not JSON');
  });
});
