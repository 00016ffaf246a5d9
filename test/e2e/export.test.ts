import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cliIn } from '../util/place.ts';
import { repositoryRoot } from '../util/shared.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

const classes = ['a "quoted" | name', 'green: #1', 'red'];
let place: TemporaryFolder;
const cli = (...args: string[]) => cliIn(place, args);
beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), classes, 20);
  const args = ['--backbone', tinyBackbone, '--epochs', '6', '--out', 'run'];
  expect((await cli('train', 'data', ...args)).code).toBe(0);
});
afterAll(() => place[Symbol.asyncDispose]());

/** Probabilities of a black and a gray picture. */
async function probabilitiesOf(model: string): Promise<number[]> {
  const session = await InferenceSession.create(join(place.path, model));
  const pixels = new Uint8Array(2 * 32 * 32 * 3).fill(120, 32 * 32 * 3);
  const { probabilities } = await session.run({
    image: new Tensor('uint8', pixels, [2, 32, 32, 3]),
  });
  await session.release();
  return [...(probabilities!.data as Float32Array)];
}

describe('headstart export', () => {
  it('gives what predict gives, in Python and in a browser, by the examples', async () => {
    const script = join(repositoryRoot, 'scripts/check-export.mjs');
    const run = join(place.path, 'run');
    const args = [script, run, join(place.path, 'data')];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    for (const [where, result] of Object.entries<Record<string, unknown>>(JSON.parse(stdout))) {
      if ('skipped' in result) console.log(`skipped, in ${where}: ${result.skipped}`);
      else expect(result, where).toMatchObject({ images: 50, same_labels: 50 });
    }
  });

  it('writes a folder as model hubs take it, with a card', async () => {
    const made = await cli('export', 'run', '--out', 'hub', '--license', 'MIT', '--json');
    const { file, card, sha256 } = JSON.parse(made.stdout);
    expect((await readdir(join(place.path, 'hub'))).sort()).toEqual([
      'README.md',
      'labels.txt',
      'model.onnx',
    ]);
    expect(file).toBe(join(place.path, 'hub/model.onnx'));
    const text = await readFile(card, 'utf8');
    const [, head = ''] = /^---\n([\s\S]*?)\n---\n/.exec(text) ?? [];
    const metrics = JSON.parse(await readFile(join(place.path, 'run/metrics.json'), 'utf8'));
    expect(parse(head)).toMatchObject({
      license: 'mit',
      library_name: 'onnx',
      pipeline_tag: 'image-classification',
      tags: expect.arrayContaining(['image-classification', 'headstart', 'tiny']),
      metrics: ['accuracy', 'f1'],
      'model-index': [
        {
          name: 'run',
          results: [
            {
              task: { type: 'image-classification' },
              dataset: { name: 'data', split: 'validation' },
              metrics: [
                { type: 'accuracy', value: Math.round(metrics.accuracy * 1e4) / 1e4 },
                { type: 'f1', value: Math.round(metrics.macro.f1 * 1e4) / 1e4 },
              ],
            },
          ],
        },
      ],
    });
    expect(text).toContain(sha256);
    expect(text).not.toContain(place.path);
    expect(text).toContain('`a "quoted" \\| name`');
  });

  it('says the shape of the input, and with --quiet the file alone', async () => {
    const { stdout, stderr } = await cli('export', 'run', '--out', 'shape.onnx');
    expect(`${stdout}${stderr}`).toContain('Input image: uint8 [N, 32, 32, 3] RGB;');
    const quiet = await cli('export', 'run', '--out', 'quiet.onnx', '--quiet');
    expect(quiet.stdout).toMatch(/^Written: \S+quiet\.onnx \([\d.]+ MB, float32\)\n$/);
    expect(quiet.stderr).toBe('');
    const document = JSON.parse((await cli('export', 'run', '--json')).stdout);
    expect(document.image).toEqual({ height: 32, width: 32 });
  });

  it('replaces a card of its own, but not a README that somebody wrote', async () => {
    expect((await cli('export', 'run', '--out', 'again')).code).toBe(0);
    expect((await cli('export', 'run', '--out', 'again')).code).toBe(0);
    await mkdir(join(place.path, 'mine'));
    await writeFile(join(place.path, 'mine/README.md'), '# Mine');
    const { code, stderr } = await cli('export', 'run', '--out', 'mine');
    expect(stderr).toContain('is not a model card of Headstart’s');
    expect(code).toBe(2);
    expect(await readdir(join(place.path, 'mine'))).toEqual(['README.md']);
  });

  it('has all that a program must know in the model’s metadata', async () => {
    await cli('export', 'run', '--out', 'one.onnx');
    const text = (await readFile(join(place.path, 'one.onnx'))).toString('utf8');
    expect(text).toContain(JSON.stringify(classes));
    for (const key of ['labels', 'preprocessing', 'temperature', 'resize', 'fit', 'image_width']) {
      expect(text, key).toContain(key);
    }
    const record = JSON.parse(await readFile(join(place.path, 'run/run.json'), 'utf8'));
    expect(record.calibration.temperature).not.toBe(1);
    expect(text).toContain(String(record.calibration.temperature));
    const own = await probabilitiesOf('run/model.onnx');
    expect(await probabilitiesOf('one.onnx')).toEqual(own);
  });

  it('makes int8 of a run in fp32, with its training data or other images', async () => {
    const made = await cli('export', 'run', '--precision', 'int8', '--out', 'int8.onnx', '--json');
    const { precision, agreement } = JSON.parse(made.stdout);
    expect(precision).toBe('int8');
    expect(agreement).toMatchObject({ images: 32, same_labels: 32 });
    expect(agreement.largest_difference).toBeLessThan(0.05);
    const [exact, rounded] = [
      await probabilitiesOf('run/model.onnx'),
      await probabilitiesOf('int8.onnx'),
    ];
    expect(rounded).not.toEqual(exact);
    for (const [i, value] of exact.entries()) expect(rounded[i]).toBeCloseTo(value, 1);
    await mkdir(join(place.path, 'empty'));
    const none = await cli('export', 'run', '--precision', 'int8', '--images', 'empty');
    expect(none.stderr).toContain('name a folder of images with --images');
    expect(none.code).toBe(2);
  });

  it('says before the work that it cannot write to a folder called NAME.onnx', async () => {
    await mkdir(join(place.path, 'folder.onnx'));
    const { code, stderr } = await cli('export', 'run', '--out', 'folder.onnx');
    expect(stderr).toMatch(
      /^error: Cannot write \S+folder\.onnx: it is a folder\. Choose a place/m,
    );
    expect(code).toBe(1);
  });

  it.each([
    [['--license', 'my licence'], 'Give an identifier, as mit or cc-by-4.0.'],
    [['--out', 'run/run.json'], 'is a file: give --out a folder or NAME.onnx'],
    [['--out', 'run'], 'is the model of a run, and would be replaced'],
    [['--out', 'run/model.onnx'], 'is the model of a run, and would be replaced'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await cli('export', 'run', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
