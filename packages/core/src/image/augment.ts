import { renderViewsNow } from '@headstart/native';
import type { Size } from './placement.ts';
import { pixelView, type ViewTransform } from './view.ts';

/**
 * Changes an image as Keras's ImageDataGenerator does for the same numbers:
 * `scipy.ndimage.affine_transform` with `order=1` (bilinear) and `mode='nearest'` (edges go on),
 * then flip and brightness; rounded to whole levels once, at the end.
 *
 * @param pixels RGB, height x width x 3
 * @returns an array of its own, also where the transform changes nothing
 */
export function applyView(pixels: Uint8Array, size: Size, transform: ViewTransform): Uint8Array {
  const target = new Uint8Array(pixels.length);
  const { height, width } = size;
  const views = [pixelView(transform, size)];
  renderViewsNow({ pixels, source: { height, width }, height, width, views, target });
  return target;
}
