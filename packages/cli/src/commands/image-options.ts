import type { AugmentOptions, Fit, ResizeMethod } from '@headstart/core';
import { type Command, Option } from 'commander';
import { numberBetween, wholeNumber, wordOrCount } from '../options.ts';

/** The options that decide what goes into the backbone, shared by `features` and `train`. */
export interface ImageOptions {
  readonly backbone: string;
  readonly preprocess?: 'caffe' | 'torch' | 'rescale' | 'none';
  readonly layer?: string;
  readonly imageSize?: number;
  readonly output?: string;
  readonly resize: ResizeMethod;
  readonly fit: Fit;
  readonly precision: 'fp32' | 'fp16' | 'int8';
  readonly flip: boolean;
  readonly widthShift: number;
  readonly heightShift: number;
  readonly rotation: number;
  readonly zoom: number;
  readonly brightness: number;
  readonly views: number | 'exact';
  readonly augment: boolean;
  readonly featureDtype: 'float16' | 'float32';
  readonly seed: number;
}

function addBackboneOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--backbone <name|file>', 'vgg16, vgg16-untrained, or FILE.onnx').default('vgg16'),
    )
    .addOption(
      new Option(
        '--preprocess <how>',
        'what is done to pixels, where not as the backbone says',
      ).choices(['caffe', 'torch', 'rescale', 'none']),
    )
    .addOption(
      new Option('--layer <name>', 'layer of VGG16 that gives the features (default: block5_pool)'),
    )
    .addOption(
      new Option(
        '--image-size <pixels>',
        'height and width of images, a multiple of 32 (default: as the backbone says, or 224)',
      ).argParser(wholeNumber(1)),
    )
    .addOption(
      new Option(
        '--output <name>',
        'output of FILE.onnx that gives the features (default: features, or the only one)',
      ),
    );
}

/** @param exact whether views may be made as training goes on */
export function addImageOptions(command: Command, { exact }: { readonly exact: boolean }): Command {
  addBackboneOptions(command)
    .addOption(
      new Option('--resize <method>', 'how images are scaled to the backbone’s size')
        .choices(['nearest', 'bilinear', 'bicubic', 'lanczos'])
        .default('bilinear'),
    )
    .addOption(
      new Option('--fit <how>', 'images of other proportions: all of it, its middle, or with black')
        .choices(['stretch', 'crop', 'pad'])
        .default('stretch'),
    )
    .addOption(new Option('--flip', 'views are flipped left to right at random').default(true))
    .option('--no-flip', 'views are never flipped')
    .addOption(
      new Option('--width-shift <x>', 'views are shifted by up to this share of the width')
        .argParser(numberBetween(0, 1))
        .default(0.2),
    )
    .addOption(
      new Option('--height-shift <x>', 'views are shifted by up to this share of the height')
        .argParser(numberBetween(0, 1))
        .default(0.2),
    )
    .addOption(
      new Option('--rotation <degrees>', 'views are turned by up to this angle, either way')
        .argParser(numberBetween(0, 180))
        .default(0),
    )
    .addOption(
      new Option('--zoom <x>', 'views are scaled by up to this share, in width and in height')
        .argParser(numberBetween(0, 1, { open: true }))
        .default(0),
    )
    .addOption(
      new Option('--brightness <x>', 'views are darker or brighter by up to this share')
        .argParser(numberBetween(0, 1))
        .default(0),
    )
    .addOption(
      new Option(
        '--views <k>',
        exact
          ? 'augmented views a training image; exact: a new one each time it comes up'
          : 'augmented views a training image, besides the plain one',
      )
        .argParser(exact ? wordOrCount('exact', 1) : wholeNumber(0))
        .default(4),
    )
    .option('--no-augment', 'plain images only')
    .addOption(
      new Option(
        '--precision <type>',
        'arithmetic of the backbone; int8: faster, on the CPU; fp16: faster, on a GPU',
      )
        .choices(['fp32', 'fp16', 'int8'])
        .default('fp32'),
    )
    .addOption(
      new Option('--feature-dtype <type>', 'how features are kept')
        .choices(['float16', 'float32'])
        .default('float16'),
    )
    .addOption(
      new Option('--seed <n>', 'seed of everything that is drawn')
        .argParser(wholeNumber(0))
        .default(0),
    );
  return command;
}

/** The augmentation that the options ask for; undefined for plain images only. */
export function imageSettings(options: ImageOptions): {
  readonly augment: AugmentOptions | undefined;
} {
  const { flip, widthShift, heightShift, rotation, zoom, brightness } = options;
  const any = flip || [widthShift, heightShift, rotation, zoom, brightness].some((x) => x > 0);
  if (!options.augment || !any) return { augment: undefined };
  // What is off is not named, so that runs of before are still the same.
  const more = Object.entries({ rotation, zoom, brightness }).filter(([, value]) => value > 0);
  return { augment: { flip, widthShift, heightShift, ...Object.fromEntries(more) } };
}
