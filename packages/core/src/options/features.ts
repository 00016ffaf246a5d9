import { integer, onOff, path } from './kinds.ts';
import { option } from './option.ts';
import { bytes, days, shard, share } from './text-forms.ts';

export const featuresOptions = {
  /** A feature file of the plain images, to write. */
  out: option(path('file'), {
    help: 'also write the plain images’ features to this file (safetensors)',
  }),
  /** Only this part of the images. */
  shard: option(shard, {
    help: 'only the i-th of n parts of the images, by their content; auto: the part of this task of a Slurm array or a Kubernetes Indexed Job',
  }),
  /** With `shard: 'auto'` in Kubernetes: the number of completions of the Job. */
  shards: option(integer({ min: 1 }), {
    placeholder: 'n',
    help: 'with --shard auto in Kubernetes: the number of completions of the Job',
  }),
} as const;

export const verifyOptions = {
  /** The share of the records or images that is looked at. Default 1. */
  sample: option(share, {
    default: 1,
    defaultText: 'all',
    help: 'only a share of the records or images: 1% or 0.01',
  }),
} as const;

export const collectOptions = {
  /** Packs that were last used longer ago than this number of days are taken out. */
  olderThanDays: option(days, {
    flag: 'olderThan',
    help: 'packs of features that were last used longer ago than this: 30d',
  }),
  /** What was not used for longest is taken out, until the rest has this number of bytes. */
  maxBytes: option(bytes, {
    flag: 'maxSize',
    help: 'the packs that were not used for longest, until the rest is of this size: 5GB',
  }),
  /** Change nothing, and report what would be changed. Default false. */
  dryRun: option(onOff(), { help: 'only show what would be removed' }),
} as const;

/** Where things are kept. */
export const folderOptions = {
  /** The feature cache; default: in the user's cache folder. */
  cacheDir: option(path('folder'), { help: 'the feature cache' }),
  /** Backbone files; default: in the user's cache folder. */
  modelsDir: option(path('folder'), { help: 'backbone files' }),
} as const;
