import { choice, integer, number, path, text } from './kinds.ts';
import { option } from './option.ts';
import { seconds } from './text-forms.ts';

export const foldsOptions = {
  features: option(path('file'), {
    help: 'the images of a feature file (safetensors) instead of a folder',
  }),
  /** Parts of the images. Default 5. */
  folds: option(integer({ min: 2 }), {
    default: 5,
    placeholder: 'k',
    help: 'parts of the images',
  }),
  /** How often the images are partitioned. Default 1. */
  seeds: option(integer({ min: 1 }), { default: 1, help: 'times that the images are partitioned' }),
} as const;

export const sweepOptions = {
  features: option(path('file'), {
    help: 'search on a feature file (safetensors) instead of a folder',
  }),
  validationFeatures: option(path('file'), {
    flag: 'valFeatures',
    help: 'the feature file that validates',
  }),
  /** Heads to try; default 64, or what `budget` allows. */
  trials: option(integer({ min: 1 }), {
    help: 'heads to try, the one that train makes among them (default: 64, or what the budget allows)',
  }),
  /** Seconds for trials. */
  budget: option(seconds, { help: 'time for trials, as 60s or 10m' }),
  /** A JSON file with the search space. */
  space: option(path('file'), { help: 'search space (JSON); see docs/experiments.md' }),
  /** `halving` (default) stops the worse trials early; `random` trains all. */
  search: option(choice(['halving', 'random']), {
    default: 'halving',
    placeholder: 'how',
    help: 'halving stops the worse ones early; random trains all',
  }),
  out: option(path('folder'), {
    help: 'where trials and the best run go (default: sweeps/<name of the data>)',
  }),
} as const;

export const auditOptions = {
  out: option(path('folder'), {
    help: 'where the page and the tables go (default: audits/<name of the data>)',
  }),
  /** Parts of the images. Default 5. */
  folds: option(integer({ min: 2 }), {
    default: 5,
    placeholder: 'k',
    help: 'parts of the images',
  }),
  /** Cross-validations in each of two passes. Default 5. */
  seeds: option(integer({ min: 1 }), {
    default: 5,
    help: 'cross-validations in each of two passes',
  }),
  /** Cosine similarity from which two images are near duplicates. Default 0.95. */
  similarity: option(number({ min: 0, max: 1 }), {
    default: 0.95,
    help: 'cosine similarity of near duplicates',
  }),
  /** Pictures of each kind on the page. Default 300. */
  pictures: option(integer({ min: 1 }), {
    default: 300,
    help: 'pictures of one kind on the page',
  }),
  groupBy: option(text('regex'), {
    help: 'never separate images whose paths match the same',
  }),
} as const;

/** Defaults of an audit's heads, which are not those of training. */
export const auditDefaults = { head: 'linear', monitor: 'val_loss', patience: 5 } as const;

export const learningCurveOptions = {
  features: option(path('file'), {
    help: 'train on a feature file (safetensors) instead of a folder',
  }),
  validationFeatures: option(path('file'), {
    flag: 'valFeatures',
    help: 'the feature file that is measured on',
  }),
  /** How often subsets are drawn. Default 5. */
  seeds: option(integer({ min: 1 }), { default: 5, help: 'subsets that are drawn of each size' }),
  /** How many numbers of training images. Default 8. */
  sizes: option(integer({ min: 4 }), { default: 8, help: 'numbers of training images' }),
  out: option(path('folder'), {
    help: 'where plot and JSON go (default: learning-curves/<name of the data>)',
  }),
} as const;

export const compareOptions = {
  /** Of the bootstrap. Default 0. */
  seed: option(integer({ max: Number.MAX_SAFE_INTEGER }), {
    default: 0,
    help: 'seed of the bootstrap',
  }),
} as const;
