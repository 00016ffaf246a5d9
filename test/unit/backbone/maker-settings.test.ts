import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { Backbone, describeFile, type LocateOptions, locateBackbone } from '#core/backbone';
import {
  decodeModel,
  elementType,
  encodeModel,
  valueInfo,
} from '../../../packages/core/src/onnx/onnx-model.ts';
import { relativeError } from '../../native/support/heads.ts';
import { sharedPath } from '../../util/shared.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { type SmallModel, someImages, writeSmallModel } from './models.ts';

let place: TemporaryFolder;
beforeAll(async () => {
  place = await temporaryFolder();
});
afterAll(() => place[Symbol.asyncDispose]());

let count = 0;

/** A model in a folder of its own, beside a file of its maker's. */
async function locate(
  json: unknown,
  options: Partial<LocateOptions> = {},
  {
    model = {},
    name = 'preprocessor_config.json',
    within = '',
  }: {
    model?: SmallModel;
    name?: string;
    within?: string;
  } = {},
) {
  const folder = join(place.path, `${count++}`);
  await mkdir(join(folder, within), { recursive: true });
  const text = typeof json === 'string' ? json : JSON.stringify(json);
  if (json !== undefined) await writeFile(join(folder, name), text);
  const path = await writeSmallModel(join(folder, within, 'model.onnx'), model);
  return locateBackbone(path, { modelsDir: join(place.path, 'models'), ...options });
}

const half = [0.5, 0.5, 0.5];
const vit = {
  image_processor_type: 'ViTImageProcessor',
  size: { height: 8, width: 8 },
  resample: 3,
  image_mean: half,
  image_std: half,
};
const timm = {
  input_size: [3, 8, 8],
  mean: half,
  std: half,
  interpolation: 'bicubic',
  crop_pct: 0.8,
};
const anySize: SmallModel = {
  input: { dims: ['N', 3, 'h', 'w'] },
  outputs: [{ name: 'halved', dims: ['N', 3, 'a', 'b'] }],
};

describe('what the maker of a model says of images', () => {
  it.each([
    ['both sides', vit, 'stretch-8'],
    ['one number for both', { ...vit, size: 8 }, 'stretch-8'],
    [
      'the shorter side, then the middle',
      { ...vit, image_processor_type: 'X', size: { shortest_edge: 9 }, crop_size: 8 },
      'shorter-9-floor',
    ],
    [
      'one number for the shorter side',
      {
        ...vit,
        image_processor_type: undefined,
        feature_extractor_type: 'CLIPFeatureExtractor',
        size: 9,
        crop_size: 8,
        do_center_crop: true,
      },
      'shorter-9-floor',
    ],
    [
      'both sides, then the middle',
      { ...vit, size: 9, crop_size: { height: 8, width: 8 } },
      'stretch-9-floor',
    ],
    ['not cut in the end', { ...vit, crop_size: 4, do_center_crop: false }, 'stretch-8'],
    [
      'a share of it',
      {
        ...vit,
        image_processor_type: 'ConvNextImageProcessor',
        size: { shortest_edge: 8 },
        crop_pct: 0.8,
      },
      'shorter-10-floor',
    ],
  ] as const)('is taken from preprocessor_config.json: %s', async (_, json, fit) => {
    const file = await locate(json);
    expect(file.images).toEqual({ resize: 'bicubic', fit });
    expect(file.preprocessing).toBe('mean 0.5 0.5 0.5, std 0.5 0.5 0.5, scale 1/255');
  });

  it.each([
    ['old', timm, 'shorter-10'],
    ['new', { architecture: 'x', pretrained_cfg: { ...timm, crop_mode: 'center' } }, 'shorter-10'],
    ['squash', { pretrained_cfg: { ...timm, crop_mode: 'squash' } }, 'stretch-10'],
    ['squash of all', { ...timm, crop_mode: 'squash', crop_pct: 1 }, 'stretch-8'],
  ])('is taken from a config.json of timm’s: %s', async (_, json, fit) => {
    const file = await locate(json, {}, { name: 'config.json' });
    expect(file.images).toEqual({ resize: 'bicubic', fit });
  });

  it('is found above the folder onnx', async () => {
    const file = await locate(vit, {}, { within: 'onnx' });
    expect(file.images).toEqual({ resize: 'bicubic', fit: 'stretch-8' });
  });

  it('has the name of a preprocessing where it is one', async () => {
    const numbers = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
    expect((await locate({ ...vit, ...numbers })).preprocessing).toBe('torch');
    expect((await locate({ ...vit, do_normalize: false })).preprocessing).toBe('rescale');
    const raw = { ...vit, do_normalize: false, do_rescale: false };
    expect((await locate(raw)).preprocessing).toBe('none');
  });

  it('is computed: (scale · level − mean) / std', async () => {
    const json = {
      ...vit,
      rescale_factor: 1 / 127.5,
      image_mean: [1, 0.5, 0],
      image_std: [1, 2, 4],
    };
    await using backbone = await Backbone.open(await locate(json), { device: 'cpu' });
    const features = await backbone.run(new Uint8Array(192).fill(255), 1);
    for (const [i, value] of [1, 0.75, 0.5].entries()) expect(features[i]).toBeCloseTo(value, 6);
    const numbers = { scale: 1 / 127.5, mean: [1, 0.5, 0], deviation: [1, 2, 4] };
    const same = await locate(undefined, { preprocessing: numbers });
    await using given = await Backbone.open(same, { device: 'cpu' });
    expect(await given.run(new Uint8Array(192).fill(255), 1)).toEqual(features);
    expect(given.info.images).toBeUndefined();
  });

  it('gives a model of any size its size, and another size is cut as much', async () => {
    const json = { ...vit, size: { shortest_edge: 20 }, crop_size: 16 };
    const sizeOf = async (options: Partial<LocateOptions>) => {
      const file = await locate(json, options, { model: anySize });
      await using backbone = await Backbone.open(file, { device: 'cpu' });
      return [backbone.info.input, file.images?.fit];
    };
    expect(await sizeOf({})).toEqual([{ height: 16, width: 16 }, 'shorter-20-floor']);
    expect(await sizeOf({ imageSize: 28 })).toEqual([
      { height: 28, width: 28 },
      'shorter-35-floor',
    ]);
  });

  it('does not count where preprocessing is given, or the model says its own', async () => {
    const given = await locate(vit, { preprocessing: 'caffe' });
    expect([given.images, given.preprocessing]).toEqual([undefined, 'caffe']);
    const own = await locate(vit, {}, { model: { metadata: { preprocessing: 'rescale' } } });
    expect([own.images, own.preprocessing]).toEqual([undefined, 'rescale']);
    const other = join(place.path, 'elsewhere.json');
    await writeFile(other, JSON.stringify({ ...vit, resample: 1 }));
    const named = await locate(vit, { preprocessing: other as `${string}.json` });
    expect(named.images).toEqual({ resize: 'lanczos', fit: 'stretch-8' });
  });

  it('stays with the model: the adapted file says it again', async () => {
    const { path, images } = await locate(vit);
    expect((await describeFile(path)).images).toEqual(images);
  });

  it.each([
    ['does not scale images', { ...vit, do_resize: false }],
    ['has do_pad, which', { ...vit, do_pad: true }],
    ['has do_flip_channel_order, which', { ...vit, do_flip_channel_order: true }],
    ['is of LevitImageProcessor, which', { ...vit, image_processor_type: 'LevitImageProcessor' }],
    ['has the resample 4', { ...vit, resample: 4 }],
    ['has the resample undefined', { ...vit, resample: undefined }],
    ['has the size 8, which may be', { ...vit, size: 8, image_processor_type: 'X' }],
    ['leaves images their proportions', { ...vit, size: { shortest_edge: 8 } }],
    ['bounds the longer side', { ...vit, size: { shortest_edge: 8, longest_edge: 9 } }],
    ['has the image_std [1]', { ...vit, image_std: [1] }],
    ['has the rescale_factor "a"', { ...vit, rescale_factor: 'a' }],
    ['has the height 8.5', { ...vit, size: { height: 8.5, width: 8 } }],
    ['is not JSON', '{'],
    ['is not an object', '[]'],
  ])('is refused where it cannot be done: %s', async (why, json) => {
    await expect(locate(json)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(
        new RegExp(`preprocessor_config.json ${why.replace(/[[\]]/g, '\\$&')}.*\`fit\``),
      ),
    });
  });

  it.each([
    ['crop_mode "border"', { ...timm, crop_mode: 'border' }],
    ['crop_pct 0', { ...timm, crop_pct: 0 }],
    ['interpolation "random"', { ...timm, interpolation: 'random' }],
    ['input_size [3,8,9]', { ...timm, input_size: [3, 8, 9] }],
  ])('is refused of timm: %s', async (why, json) => {
    await expect(locate(json, {}, { name: 'config.json' })).rejects.toThrow(
      `config.json has the ${why}`,
    );
  });

  it('is refused where it is of images of another size', async () => {
    await expect(locate({ ...vit, size: 16 })).rejects.toThrow(
      /takes images of 8x8 pixels, and .* makes them 16x16/,
    );
  });

  it('of a config.json that says nothing of images does not count: preprocessing is asked for', async () => {
    const asked = locate({ model_type: 'vit' }, {}, { name: 'config.json' });
    await expect(asked).rejects.toThrow('names no preprocessing: give `preprocess`');
    const file = join(place.path, 'model-type.json') as `${string}.json`;
    await writeFile(file, '{"model_type":"vit"}');
    await expect(locate(undefined, { preprocessing: file })).rejects.toThrow(
      'is neither a preprocessor_config.json',
    );
    const missing = join(place.path, 'missing.json') as `${string}.json`;
    await expect(locate(undefined, { preprocessing: missing })).rejects.toThrow(
      /^Cannot read .*missing\.json/,
    );
  });

  it('is not asked of VGG16, which knows its own', async () => {
    const modelsDir = join(place.path, 'models');
    const numbers = { scale: 1, mean: half, deviation: half };
    for (const preprocessing of [numbers, 'a.json' as const]) {
      await expect(locateBackbone('vgg16', { modelsDir, preprocessing })).rejects.toThrow(
        'give `preprocess` caffe, torch, rescale or none',
      );
    }
  });
});

const mobilenet = sharedPath('weights/mobilenetv2.onnx');
test.skipIf(!mobilenet)(
  'a trained MobileNetV2 gives the same features by its maker’s file as by our contract',
  async () => {
    const modelsDir = join(place.path, 'models');
    const model = decodeModel(await readFile(mobilenet as string), 'mobilenetv2.onnx');
    const nodes = model.graph?.node ?? [];
    const first = nodes.findIndex(({ opType }) => opType === 'Conv');
    const pixels = nodes[first]?.input?.[0] as string;
    const features = nodes.at(-2)?.output?.[0] as string;
    const bare = encodeModel({
      ...model,
      metadataProps: [],
      graph: {
        ...model.graph,
        node: nodes.slice(first, -1),
        input: [valueInfo(pixels, elementType.float32, ['N', 3, 224, 224])],
        output: [valueInfo(features, elementType.float32, ['N', 1280, 7, 7])],
      },
    });
    const folder = join(place.path, 'mobilenet');
    await mkdir(folder);
    await writeFile(join(folder, 'model.onnx'), bare);
    const json = {
      ...vit,
      size: 224,
      resample: 2,
      image_mean: [0.485, 0.456, 0.406],
      image_std: [0.229, 0.224, 0.225],
    };
    await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(json));
    const images = someImages(2, 224);
    const runOf = async (path: string) => {
      const file = await locateBackbone(path, { modelsDir });
      await using backbone = await Backbone.open(file, { device: 'cpu' });
      return await backbone.run(images, 2);
    };
    const found = await runOf(join(folder, 'model.onnx'));
    expect(relativeError(found, await runOf(mobilenet as string))).toBeLessThan(1e-5);
  },
);
