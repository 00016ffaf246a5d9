import { defaultMaxPixels } from './decode.ts';
import { type ImageFormat, imageFormat } from './format.ts';
import { imageMetadata } from './open-image.ts';
import type { Size } from './placement.ts';
import { readingImage } from './unreadable.ts';

/** The header of an image file. */
export interface ImageDescription extends Size {
  /** By the content. */
  readonly format: ImageFormat;
  /** EXIF orientation, 1 to 8; 1 where there is none. Height and width are those after it. */
  readonly orientation: number;
  readonly colour: 'rgb' | 'gray' | 'cmyk';
  readonly alpha: boolean;
  /** Of an animation or a file of several pages; else 1. */
  readonly frames: number;
}

export interface ImageHeader {
  readonly image: ImageDescription;
  /** The embedded ICC profile of a picture in RGB of 8 bits. */
  readonly profile: Uint8Array | undefined;
}

/**
 * Reads an image file's header. That it can be read does not mean that its pixels can.
 *
 * @param name the file, for the message
 * @throws HeadstartError `IMAGE_UNREADABLE`, as decoding it does
 */
export async function describeImage(input: Uint8Array, name: string): Promise<ImageDescription> {
  return (await readHeader(input, name)).image;
}

/** As {@link describeImage}, with the colour profile. */
export function readHeader(input: Uint8Array, name: string): Promise<ImageHeader> {
  return readingImage(input, { name, maxPixels: defaultMaxPixels }, async () => {
    const {
      autoOrient,
      orientation = 1,
      space,
      hasAlpha,
      pages = 1,
      icc: profile,
    } = await imageMetadata(input, defaultMaxPixels);
    const image: ImageDescription = {
      format: imageFormat(input) as ImageFormat,
      height: autoOrient.height,
      width: autoOrient.width,
      orientation: Math.max(1, orientation),
      colour: colourOf(space),
      alpha: hasAlpha,
      frames: pages,
    };
    return { image, profile: space === 'srgb' ? profile : undefined };
  });
}

function colourOf(space: string): ImageDescription['colour'] {
  if (space === 'cmyk') return 'cmyk';
  return space === 'b-w' || space === 'grey16' ? 'gray' : 'rgb';
}
