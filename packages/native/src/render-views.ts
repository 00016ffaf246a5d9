import { binding } from './binding.ts';
import { callNative, callNativeAsync } from './errors.ts';
import type { NativeRendering, NativeViews, ResampleFilter } from './native-module.ts';
import { invalidArgument } from './validate.ts';

export interface PixelBox {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * A view of an image. With (x, y) from its centre, output pixel (x, y) shows the input at
 * R · (zoomX·x + shiftX, zoomY·y + shiftY), R a turn; then it is mirrored left to right where `flip`
 * is set, and its levels are multiplied by `brightness`. Parts that are left out change nothing.
 */
export interface PixelView {
  readonly flip?: boolean | undefined;
  /** In pixels. */
  readonly shiftX?: number | undefined;
  readonly shiftY?: number | undefined;
  readonly turn?: { readonly cosine: number; readonly sine: number } | undefined;
  readonly zoomX?: number | undefined;
  readonly zoomY?: number | undefined;
  readonly brightness?: number | undefined;
}

/** What is made of a picture. */
export interface RenderedViews {
  /** Default `bilinear`. */
  readonly filter?: ResampleFilter | undefined;
  /** Of a view. */
  readonly height: number;
  readonly width: number;
  /**
   * Where in an image the resampled part stands, black around it; default: everywhere. What is beyond the image is
   * cut off.
   */
  readonly placed?: PixelBox | undefined;
  /** Default: the image as it is. */
  readonly views?: readonly PixelView[] | undefined;
  /** RGB, [views, height, width, 3]: left alone meanwhile by everybody else. */
  readonly target: Uint8Array;
}

export interface Rendering extends RenderedViews {
  /** RGB, [height, width, 3] of `source`. */
  readonly pixels: Uint8Array;
  readonly source: { readonly height: number; readonly width: number };
  /** What of it counts; default: all. */
  readonly part?: PixelBox | undefined;
}

const plain: readonly PixelView[] = [{}];

/**
 * Resamples a picture and makes views of the result.
 *
 * Resampling gives the bits of Pillow's `Image.resize` with the same filter; views those of
 * `scipy.ndimage.affine_transform(order=1, mode='nearest')` in double precision, rounded once.
 *
 * @throws NativeError `INVALID_ARGUMENT`, `OUT_OF_MEMORY`, `ADDON_MISSING`
 */
export async function renderViews(rendering: Rendering): Promise<void> {
  const native = nativeRendering(rendering);
  await callNativeAsync(() => binding().renderViews(native));
}

/** As {@link renderViews}, on the thread that calls it. */
export function renderViewsNow(rendering: Rendering): void {
  const native = nativeRendering(rendering);
  callNative(() => binding().renderViewsNow(native));
}

function nativeRendering(rendering: Rendering): NativeRendering {
  const { pixels, source } = rendering;
  return {
    ...nativeViews(rendering),
    pixels: requireBytes('pixels', pixels),
    sourceHeight: source.height,
    sourceWidth: source.width,
    part: boxOf(rendering.part ?? { top: 0, left: 0, ...source }),
  };
}

/** What is made of a picture, as the addon takes it. */
export function nativeViews(views: RenderedViews): NativeViews {
  const { filter = 'bilinear', height, width, views: list = plain, target } = views;
  const numbers = new Float64Array(9 * list.length);
  for (const [i, view] of list.entries()) numbers.set(numbersOf(view), 9 * i);
  return {
    filter,
    height,
    width,
    placed: boxOf(views.placed ?? { top: 0, left: 0, height, width }),
    views: numbers,
    target: requireBytes('target', target),
  };
}

export function requireBytes(name: string, bytes: unknown): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  throw invalidArgument(name, 'a Uint8Array', bytes);
}

/** In the order in which the addon reads them. */
function numbersOf(view: PixelView): number[] {
  const { flip = false, shiftX = 0, shiftY = 0, turn, zoomX = 1, zoomY = 1, brightness = 1 } = view;
  const { cosine = 1, sine = 0 } = turn ?? {};
  const numbers = [
    Number(flip),
    shiftX,
    shiftY,
    turn ? 1 : 0,
    cosine,
    sine,
    zoomX,
    zoomY,
    brightness,
  ];
  // The kernels index memory by these numbers.
  if (!numbers.every(Number.isFinite)) throw invalidArgument('views', 'finite numbers', numbers);
  return numbers;
}

function boxOf({ top, left, height, width }: PixelBox): number[] {
  return [top, left, height, width];
}
