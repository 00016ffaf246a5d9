import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backbone, describeFile } from '#core/backbone';
import {
  decodeModel,
  encodeModel,
  tensorTypeOf,
} from '../../../packages/core/src/onnx/onnx-model.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { chainModel, size } from './chain-model.ts';
import { someImages } from './models.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

/** The chain of convolutions, which says what shape its features have, in a file. */
async function modelFile(name: string, dims: (number | undefined)[], operator?: string) {
  const model = decodeModel(chainModel(), name);
  const [output] = model.graph?.output ?? [];
  const shape = dims.map((size) => (size === undefined ? { dimParam: '?' } : { dimValue: size }));
  Object.assign(output?.type?.tensorType?.shape ?? {}, { dim: [{ dimParam: 'N' }, ...shape] });
  expect(output && tensorTypeOf(output).dims?.slice(1)).toEqual(dims);
  const last = model.graph?.node?.at(-1);
  if (operator && last) last.opType = operator;
  const path = join(folder.path, `${name}.onnx`);
  await writeFile(path, encodeModel(model));
  return describeFile(path);
}

const mapShape = [size / 2, size / 2, 48];
const cpu = { device: 'cpu', threads: 1 } as const;

describe('a backbone that is opened when it is run', () => {
  test('is described and computes as one that is open', async () => {
    const file = await modelFile('right', mapShape);
    await using open = await Backbone.open(file, cpu);
    await using deferred = await Backbone.openLazily(file, cpu);
    expect(deferred.info).toEqual(open.info);
    const images = someImages(3, size);
    const [whole, one] = await Promise.all([
      deferred.run(images, 3),
      deferred.run(images.subarray(0, images.length / 3), 1),
    ]);
    expect(whole).toEqual(await open.run(images, 3));
    expect(one).toEqual(whole.slice(0, whole.length / 3));
  });

  test('says only then that it cannot be run, and each time', async () => {
    const file = await modelFile('unknown-operator', mapShape, 'NoSuchOperator');
    await using deferred = await Backbone.openLazily(file, cpu);
    expect(deferred.info.featureShape).toEqual(mapShape);
    for (let i = 0; i < 2; i++) {
      await expect(deferred.run(someImages(1, size), 1)).rejects.toMatchObject({
        code: 'BACKBONE_UNSUITABLE',
        message: expect.stringContaining('cannot run'),
      });
    }
  });

  test('is refused where its file says another shape than it gives', async () => {
    await using deferred = await Backbone.openLazily(await modelFile('wrong', [7, 7, 48]), cpu);
    await expect(deferred.run(someImages(1, size), 1)).rejects.toThrow(
      'declares features of 7x7x48, but gives 6x6x48',
    );
  });

  test('is refused where its file was replaced meanwhile: features are kept under its digest', async () => {
    const file = await modelFile('replaced', mapShape);
    await using deferred = await Backbone.openLazily(file, cpu);
    const other = decodeModel(await readFile(file.path), file.path);
    other.producerName = 'another';
    await writeFile(file.path, encodeModel(other));
    await expect(deferred.run(someImages(1, size), 1)).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: `The backbone ${file.path} was replaced while the command ran: repeat the command.`,
    });
  });

  test('is opened at once where its file does not say the shape', async () => {
    const file = await modelFile('silent', [undefined, undefined, undefined]);
    await using backbone = await Backbone.openLazily(file, cpu);
    expect(backbone).toBeInstanceOf(Backbone);
    expect(backbone.info.featureShape).toEqual(mapShape);
  });

  test('computes nothing once it is closed', async () => {
    const deferred = await Backbone.openLazily(await modelFile('closed', mapShape), cpu);
    await deferred.close();
    await deferred.close();
    await expect(deferred.run(someImages(1, size), 1)).rejects.toThrow('closed');
  });
});
