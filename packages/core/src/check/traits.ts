import type { ImageDescription } from '../image/index.ts';
import type { Range, Trait, TraitKind } from './types.ts';

/** An image that can be read, with its name. */
export interface NamedImage {
  readonly name: string;
  readonly image: ImageDescription;
  readonly blank: boolean;
}

export const largePixels = 50_000_000;
export const narrowRatio = 4;

const examplesShown = 10;

const tests: Readonly<Record<TraitKind, (image: NamedImage, inputSize: number) => boolean>> = {
  turned: ({ image }) => image.orientation !== 1,
  gray: ({ image }) => image.colour === 'gray',
  cmyk: ({ image }) => image.colour === 'cmyk',
  transparent: ({ image }) => image.alpha,
  animated: ({ image }) => image.frames > 1,
  blank: ({ blank }) => blank,
  small: ({ image }, inputSize) => Math.min(image.height, image.width) < inputSize / 2,
  narrow: ({ image: { height, width } }) =>
    Math.max(height, width) > narrowRatio * Math.min(height, width),
  large: ({ image }) => image.height * image.width > largePixels,
};

export function traitsOf(images: readonly NamedImage[], inputSize: number): Trait[] {
  return (Object.keys(tests) as TraitKind[]).flatMap((kind) => {
    const found = images.filter((image) => tests[kind](image, inputSize));
    if (found.length === 0) return [];
    return [
      { kind, count: found.length, examples: found.slice(0, examplesShown).map((i) => i.name) },
    ];
  });
}

export function sizeOf(images: readonly NamedImage[]): { width: Range; height: Range } | null {
  if (images.length === 0) return null;
  return {
    width: rangeOf(images.map(({ image }) => image.width)),
    height: rangeOf(images.map(({ image }) => image.height)),
  };
}

/** Of an even number of values, the lower of the two in the middle is the median. */
function rangeOf(values: readonly number[]): Range {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number) => sorted[i] as number;
  return {
    min: at(0),
    median: at(Math.floor((sorted.length - 1) / 2)),
    max: at(sorted.length - 1),
  };
}
