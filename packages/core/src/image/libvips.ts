import { createRequire } from 'node:module';
import type load from 'sharp';
import type { Sharp, SharpInput, SharpOptions } from 'sharp';
import { HeadstartError, reasonOf } from '../base/errors.ts';

/**
 * The decoders that stay in use: of the formats that are read, and of SVG, which is drawn here but
 * is never a user's file. libvips has others, for tables, for its own format and for programs'.
 */
const kept = ['Jpeg', 'Png', 'Nsgif', 'Webp', 'Tiff', 'Heif', 'Svg'];

let loaded: typeof load | undefined;

function library(): typeof load {
  if (loaded) return loaded;
  const found = open();
  found.block({ operation: ['VipsForeignLoad'] });
  found.unblock({ operation: kept.map((name) => `VipsForeignLoad${name}`) });
  // Parallelism is across images, each image is seen once.
  found.concurrency(1);
  found.cache(false);
  loaded = found;
  return found;
}

function open(): typeof load {
  try {
    return createRequire(import.meta.url)('sharp') as typeof load;
  } catch (error) {
    const why = reasonOf(error).split('\n', 1)[0];
    throw new HeadstartError(
      'INTERNAL',
      `The package sharp, which decodes images, cannot be loaded (${why}): install Headstart again, with optional dependencies.`,
      { cause: error },
    );
  }
}

/**
 * sharp, loaded by the first picture: what sees none does not wait for it.
 *
 * @throws HeadstartError `INTERNAL` where it cannot be loaded
 */
export function sharp(input?: SharpInput | SharpOptions, options?: SharpOptions): Sharp {
  return library()(input as SharpInput, options);
}

/** Versions of sharp (`sharp`), of libvips (`vips`) and of what it has in it. @throws as {@link sharp} */
export function sharpVersions() {
  return library().versions;
}
