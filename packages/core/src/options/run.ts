import { choice, integer, number, onOff, path, text } from './kinds.ts';
import { option } from './option.ts';
import { license } from './text-forms.ts';

export const evaluateOptions = {
  /** Which part of the images is measured. */
  split: option(choice(['train', 'validation', 'test', 'all']), {
    help: 'which part of a folder with train/ and validation/ or test/, or of the run’s own split',
  }),
  /** How many of the surest mistakes to list. Default 10. */
  mistakes: option(integer(), {
    default: 10,
    help: 'how many of the surest mistakes to list',
  }),
  /** Also measure what is left where images of less probability are not answered. */
  threshold: option(number({ min: 0, max: 1 }), {
    help: 'also measure what is answered, and how well, where less probable images are "unknown"',
  }),
  /** The same with the threshold that keeps the share of wrong answers at most this. */
  maxError: option(number({ min: 0, below: 1 }), {
    help: 'find the threshold that keeps the share of wrong answers at most this',
  }),
  /** An HTML report with plots and pictures of the mistakes, to write. */
  report: option(path('file'), {
    help: 'write a report with plots and pictures of the mistakes (HTML)',
  }),
} as const;

export const explainOptions = {
  /** The class to look for; default: the predicted one. */
  class: option(text('name'), { help: 'the class to look for (default: the predicted one)' }),
  /** A .png file for one image, or a folder; default: the working folder. */
  out: option(path('path'), {
    help: 'a .png file for one image, or a folder (default: the working folder)',
  }),
  /** How much the colour covers, 0 to 1. Default 0.65. */
  alpha: option(number({ min: 0, max: 1 }), {
    default: 0.65,
    help: 'how much the colour covers',
  }),
} as const;

export const exportOptions = {
  /** `NAME.onnx`, or a folder for the model with its card. */
  out: option(path('path'), {
    help: 'NAME.onnx, or a folder for the model with its card, as model hubs take it (default: <name of the run>.onnx)',
  }),
  /** The backbone, for a run that was trained on a feature file. */
  backbone: option(path('file'), {
    help: 'the backbone, for a run that was trained on a feature file',
  }),
  /** Default: as the run was trained. */
  precision: option(choice(['fp32', 'int8']), {
    placeholder: 'kind',
    help: 'fp32, or int8: the backbone’s convolutions in 8 bits (default: as the run was trained)',
  }),
  /** For int8: a folder of images to measure on; default: the training data. */
  images: option(path('folder'), {
    help: 'for int8: images to measure on (default: the training data)',
  }),
  /** For the model card; default: unknown. */
  license: option(license, { help: 'for the model card (default: unknown)' }),
} as const;

export const pullOptions = {
  /** Of Hugging Face's: the ONNX file in the repository. */
  file: option(text('path'), {
    help: 'of hf:ORG/NAME: the ONNX file in it (default: onnx/model.onnx, model.onnx, or the only one)',
  }),
  /** A URL or a file of weights. */
  from: option(path('url|file'), {
    help: 'a URL or file: Keras .h5, or torchvision/timm .safetensors',
  }),
  /** Default: what the weights were trained with. */
  preprocess: option(choice(['caffe', 'torch', 'rescale']), {
    placeholder: 'how',
    help: 'preprocessing (default: what the weights were trained with)',
  }),
} as const;

export const setupOptions = {
  /** A folder with the libraries, or the npm package as a .tgz file; default: npm fetches it. */
  from: option(path('folder|file'), {
    help: 'a folder with the libraries, or the npm package as a .tgz file',
  }),
  /** Take the libraries away again. Default false. */
  undo: option(onOff(), { help: 'take them away again' }),
  withoutDriver: option(onOff(), {
    help: 'also where there is no NVIDIA driver, as when a container is built',
  }),
} as const;
