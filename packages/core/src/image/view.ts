import { type PixelView, randomDomain, uniforms } from '@headstart/native';

/** How views differ from the plain image. Shifts are the largest fraction of width and height. */
export interface AugmentOptions {
  /** Default false. */
  readonly flip?: boolean | undefined;
  /** Default 0. */
  readonly widthShift?: number | undefined;
  /** Default 0. */
  readonly heightShift?: number | undefined;
  /** The largest angle, in degrees. Default 0. */
  readonly rotation?: number | undefined;
  /** Width and height, each for itself, by 1 − zoom … 1 + zoom. 0 ≤ zoom < 1; default 0. */
  readonly zoom?: number | undefined;
  /** Levels times 1 − brightness … 1 + brightness. 0 ≤ brightness ≤ 1; default 0. */
  readonly brightness?: number | undefined;
}

/**
 * One augmented view, as numbers. With (x, y) from the image's centre, output pixel (x, y) shows the
 * input at R · (zoomX·x + shiftX·width, zoomY·y + shiftY·height), R a turn by `rotation`; then it is
 * mirrored left to right where `flip` is set, and its levels are multiplied by `brightness`.
 * That is `apply_transform` of Keras's ImageDataGenerator with theta = rotation, zx = zoomX,
 * zy = zoomY, tx = shiftX·width and ty = shiftY·height, for square images. (Its own draws take tx
 * from `height_shift_range` and ty from `width_shift_range`, which is the same where image and
 * ranges are square; and it turns other images about a point beside their centre.)
 */
export interface ViewTransform {
  readonly flip: boolean;
  /** Fraction of the width. */
  readonly shiftX: number;
  /** Fraction of the height. */
  readonly shiftY: number;
  /** Degrees; default 0. */
  readonly rotation?: number | undefined;
  /** How much of the input the width shows; default 1, less magnifies. */
  readonly zoomX?: number | undefined;
  readonly zoomY?: number | undefined;
  /** A factor; default 1. */
  readonly brightness?: number | undefined;
}

export interface DrawViewOptions {
  readonly seed: number;
  /** SHA-256 of the image file, in hexadecimal. */
  readonly hash: string;
  /** 1, 2, …: view 0 is the plain image, which has no transform. */
  readonly view: number;
  readonly augment: AugmentOptions;
}

/**
 * The numbers of a view. They depend on (seed, content, view) alone. All are always drawn, so that
 * turning one kind of change off leaves the others as they were.
 */
export function drawView({ seed, hash, view, augment }: DrawViewOptions): ViewTransform {
  const counter = [word(hash, 0), word(hash, 8), view] as [number, number, number];
  const drawn = uniforms({ seed, domain: randomDomain.viewNumbers, counter }, 7);
  const { flip = false, widthShift = 0, heightShift = 0 } = augment;
  const { rotation = 0, zoom = 0, brightness = 0 } = augment;
  /** From −range to range. Adding 0 turns -0 into 0. */
  const within = (i: number, range: number) => (2 * (drawn[i] as number) - 1) * range + 0;
  return {
    flip: flip && (drawn[0] as number) < 0.5,
    shiftX: within(1, widthShift),
    shiftY: within(2, heightShift),
    ...(rotation > 0 ? { rotation: within(3, rotation) } : {}),
    ...(zoom > 0 ? { zoomX: 1 + within(4, zoom), zoomY: 1 + within(5, zoom) } : {}),
    ...(brightness > 0 ? { brightness: 1 + within(6, brightness) } : {}),
  };
}

function word(hash: string, at: number): number {
  return Number.parseInt(hash.slice(at, at + 8), 16);
}

/**
 * A canonical text of a view: a part of the feature key. A transform that changes nothing is the
 * plain image.
 */
export function viewId(transform: ViewTransform | undefined): string {
  if (!transform) return 'plain';
  const { flip, shiftX, shiftY, rotation = 0, zoomX = 1, zoomY = 1, brightness = 1 } = transform;
  // Adding 0 turns -0 into 0; a number's text in JavaScript is the shortest that reads back as it.
  const parts = [
    flip || shiftX !== 0 || shiftY !== 0
      ? [`flip ${flip ? 1 : 0} shift ${shiftX + 0} ${shiftY + 0}`]
      : [],
    rotation === 0 ? [] : [`rotation ${rotation}`],
    zoomX === 1 && zoomY === 1 ? [] : [`zoom ${zoomX} ${zoomY}`],
    brightness === 1 ? [] : [`brightness ${brightness}`],
  ].flat();
  return parts.length === 0 ? 'plain' : parts.join(' ');
}

/** A view in pixels of an image of some size. */
export function pixelView(
  transform: ViewTransform | undefined,
  { height, width }: { readonly height: number; readonly width: number },
): PixelView {
  if (!transform) return {};
  const { shiftX, shiftY, rotation = 0, ...rest } = transform;
  const angle = (rotation * Math.PI) / 180;
  const turn = rotation === 0 ? undefined : { cosine: Math.cos(angle), sine: Math.sin(angle) };
  return { ...rest, shiftX: shiftX * width, shiftY: shiftY * height, turn };
}
