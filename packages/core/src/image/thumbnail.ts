import { decodeImage } from './decode.ts';
import { type ImageDescription, readHeader } from './describe.ts';
import type { Size } from './placement.ts';
import { isNearlySrgb } from './srgb-profile.ts';

export interface Thumbnail {
  readonly image: ImageDescription;
  /** RGB, height x width x 3. */
  readonly pixels: Uint8Array;
}

/**
 * A small copy of a picture, for comparing it with others, and its header's contents. Its pixels are
 * those of {@link decodeImage}, but that a profile is not applied that changes next to nothing.
 *
 * @param name the file, for the message
 * @throws HeadstartError `IMAGE_UNREADABLE`
 */
export async function readThumbnail(
  input: Uint8Array,
  size: Size,
  name: string,
): Promise<Thumbnail> {
  const { image, profile } = await readHeader(input, name);
  const ignoreProfile = profile !== undefined && (await isNearlySrgb(profile));
  return { image, pixels: await decodeImage(input, { ...size, ignoreProfile }, name) };
}
