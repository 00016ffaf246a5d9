import { createRequire } from 'node:module';
import type load from 'sharp';
import type { Sharp, SharpInput, SharpOptions } from 'sharp';

/**
 * The decoders that stay in use: of the formats that are read, and of SVG, which is drawn here but
 * is never a user's file. libvips has others, for tables, for its own format and for programs'.
 */
const kept = ['Jpeg', 'Png', 'Nsgif', 'Webp', 'Tiff', 'Heif', 'Svg'];

let loaded: typeof load | undefined;

function library(): typeof load {
  if (loaded) return loaded;
  const found = createRequire(import.meta.url)('sharp') as typeof load;
  found.block({ operation: ['VipsForeignLoad'] });
  found.unblock({ operation: kept.map((name) => `VipsForeignLoad${name}`) });
  // Parallelism is across images, each image is seen once.
  found.concurrency(1);
  found.cache(false);
  loaded = found;
  return found;
}

/** sharp, loaded by the first picture: what sees none does not wait for it. */
export function sharp(input?: SharpInput | SharpOptions, options?: SharpOptions): Sharp {
  return library()(input as SharpInput, options);
}
