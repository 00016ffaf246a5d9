import type { AugmentOptions } from '@headstart/core';
import {
  augmentOptions,
  backboneOptions,
  onOff,
  option,
  precisionOptions,
  resizeOptions,
  seedOption,
  viewsOption,
  viewsOrExactOption,
} from '@headstart/core/options';
import type { Command } from 'commander';
import type { FlagValues } from '../options.ts';

const beforeViews = { ...backboneOptions, ...resizeOptions, ...augmentOptions } as const;
const afterViews = {
  augment: option(onOff(), { helpOff: 'plain images only' }),
  ...precisionOptions,
  ...seedOption,
} as const;

/** What decides what goes into the backbone. */
export const imageOptions = { ...beforeViews, ...viewsOption, ...afterViews } as const;

/** The same, where views may be made as training goes on. */
export const trainImageOptions = { ...beforeViews, ...viewsOrExactOption, ...afterViews } as const;

export type ImageOptions = FlagValues<typeof imageOptions>;
export type TrainImageOptions = FlagValues<typeof trainImageOptions>;

/** The augmentation of the options; undefined for plain images only. */
export function imageSettings(options: FlagValues<typeof augmentOptions & typeof afterViews>): {
  readonly augment: AugmentOptions | undefined;
} {
  const { flip, widthShift, heightShift, rotation, zoom, brightness } = options;
  const any = flip || [widthShift, heightShift, rotation, zoom, brightness].some((x) => x > 0);
  if (!options.augment || !any) return { augment: undefined };
  // What is off is not named, so that runs of before are still the same.
  const more = Object.entries({ rotation, zoom, brightness }).filter(([, value]) => value > 0);
  return { augment: { flip, widthShift, heightShift, ...Object.fromEntries(more) } };
}

/**
 * Feature files name the backbone that made them: only one that the user names is compared with it,
 * not the default.
 */
export function backboneOfFiles(
  command: Command,
  data: string | undefined,
): { readonly backbone?: undefined } {
  const isDefault = command.getOptionValueSource('backbone') === 'default';
  return isDefault && data === undefined ? { backbone: undefined } : {};
}
