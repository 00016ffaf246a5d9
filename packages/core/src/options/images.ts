import { choice, integer, number, onOff, path, text, wordOr } from './kinds.ts';
import { option } from './option.ts';
import { fit, jsonFile, perChannel } from './text-forms.ts';

/** Which backbone, and from which pixels. */
export const backboneOptions = {
  /** `vgg16` (default), `vgg16-untrained`, an ONNX file, or `hf:ORG/NAME[@REVISION]`, of Hugging Face. */
  backbone: option(path('name|file'), {
    default: 'vgg16',
    help: 'vgg16, vgg16-untrained, FILE.onnx, or hf:ORG/NAME, of Hugging Face',
  }),
  /** Preprocessing other than the backbone's own: by name, or as a preprocessor_config.json or a timm config.json has it. */
  preprocess: option(wordOr(['caffe', 'torch', 'rescale', 'none'], jsonFile), {
    placeholder: 'how|file',
    help: 'preprocessing of pixels: caffe, torch, rescale, none, or a preprocessor_config.json or config.json (default: the backbone’s own)',
  }),
  /** In place of `preprocess`: pixels become (`scale` · pixel − `mean`) / `std`. Default 0. */
  mean: option(perChannel(), {
    help: 'in place of --preprocess: pixels become (scale * pixel - mean) / std',
  }),
  /** Default 1. */
  std: option(perChannel({ above: 0 }), { help: 'of --mean (default: 1)' }),
  /** Default 1/255. */
  scale: option(number({ above: 0 }), { help: 'of --mean (default: 1/255)' }),
  /** Layer of VGG16 whose output is the features; default `block5_pool`. */
  layer: option(text('name'), {
    help: 'layer of VGG16 that gives the features (default: block5_pool)',
  }),
  /** Height and width of images, of VGG16 a multiple of 32; default: the backbone's own, or 224. */
  imageSize: option(integer({ min: 1 }), {
    placeholder: 'pixels',
    help: 'height and width of images, for VGG16 a multiple of 32 (default: the backbone’s own, or 224)',
  }),
  /** Output of an ONNX file that gives the features; default: `features`, or the only one. */
  output: option(text('name'), {
    help: 'output of FILE.onnx that gives the features (default: features, or the only one)',
  }),
  /** Features of a model that gives tokens: the class token, the mean of the patches, or both. */
  tokens: option(choice(['cls', 'mean', 'cls+mean']), {
    placeholder: 'which',
    help: 'of tokens: the class token, the mean of the patches, or both one after the other',
  }),
  /** Features of a classifier: what its last dense layer is given. Default false. */
  cutClassifier: option(onOff(), {
    help: 'of a classifier: the features before its last dense layer',
  }),
} as const;

/** How an image becomes the backbone's input. */
export const resizeOptions = {
  /** Default: as the backbone's maker has it, else `bilinear`. */
  resize: option(choice(['nearest', 'bilinear', 'bicubic', 'lanczos']), {
    placeholder: 'method',
    help: 'how images are scaled (default: the backbone’s own, or bilinear)',
  }),
  /** Default: as the backbone's maker has it, else `stretch`. */
  fit: option(fit, {
    placeholder: 'how',
    help: 'images of other proportions: stretch, crop, pad, or shorter-N, which scales the shorter side to N pixels and takes the middle (default: the backbone’s own, or stretch)',
  }),
} as const;

/** How views differ from the plain image. */
export const augmentOptions = {
  flip: option(onOff(), {
    default: true,
    help: 'views are flipped left to right at random',
    helpOff: 'views are never flipped',
  }),
  /** The largest shift, as a share of the width. */
  widthShift: option(number({ min: 0, max: 1 }), {
    default: 0.2,
    help: 'views are shifted by up to this share of the width',
  }),
  /** The largest shift, as a share of the height. */
  heightShift: option(number({ min: 0, max: 1 }), {
    default: 0.2,
    help: 'views are shifted by up to this share of the height',
  }),
  /** The largest angle, in degrees. Default 0. */
  rotation: option(number({ min: 0, max: 180 }), {
    default: 0,
    placeholder: 'degrees',
    help: 'views are turned by up to this angle, either way',
  }),
  /** Width and height, each for itself, by 1 − zoom … 1 + zoom. Default 0. */
  zoom: option(number({ min: 0, below: 1 }), {
    default: 0,
    help: 'views are scaled by up to this share, in width and in height',
  }),
  /** Levels times 1 − brightness … 1 + brightness. Default 0. */
  brightness: option(number({ min: 0, max: 1 }), {
    default: 0,
    help: 'views are darker or brighter by up to this share',
  }),
} as const;

/** How many views of an image there are, beside the plain one. */
export const viewsOption = {
  /** Augmented views of each image. */
  views: option(integer({ max: 1_000_000 }), {
    default: 4,
    placeholder: 'k',
    help: 'augmented views per training image, besides the plain one',
  }),
} as const;

/** The same, where views may be made as training goes on. */
export const viewsOrExactOption = {
  /** Augmented views of each image, or `exact`: a new one each time it comes up. */
  views: option(wordOr('exact', integer({ min: 1, max: 1_000_000 })), {
    default: 4,
    placeholder: 'k',
    help: 'augmented views per training image; exact: a new one each time it comes up',
  }),
} as const;

/** How features are computed and kept. */
export const precisionOptions = {
  /** Arithmetic of the backbone; default `fp32`. `int8` is for the CPU, `fp16` for the GPU. */
  precision: option(choice(['fp32', 'fp16', 'int8']), {
    default: 'fp32',
    placeholder: 'type',
    help: 'arithmetic of the backbone; int8: faster, on the CPU; fp16: faster, on a GPU',
  }),
  /** How features are kept; default `float16`. */
  featureDtype: option(choice(['float16', 'float32']), {
    default: 'float16',
    placeholder: 'type',
    help: 'how features are kept',
  }),
} as const;
