import { randomDomain, uniforms } from '../random.ts';

/** How views differ from the plain image. Shifts are the largest fraction of width and height. */
export interface AugmentOptions {
  readonly flip: boolean;
  readonly widthShift: number;
  readonly heightShift: number;
}

/**
 * One augmented view, as numbers. Output pixel (y, x) shows input pixel
 * (y + shiftY·height, x + shiftX·width); then it is mirrored left to right where `flip` is set.
 * That is `apply_transform` of Keras's ImageDataGenerator with tx = shiftX·width and
 * ty = shiftY·height. (Its own draws take tx from `height_shift_range` and ty from
 * `width_shift_range`, which is the same where image and ranges are square.)
 */
export interface ViewTransform {
  readonly flip: boolean;
  /** Fraction of the width. */
  readonly shiftX: number;
  /** Fraction of the height. */
  readonly shiftY: number;
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
 * The numbers of a view. They depend on (seed, content, view) alone. All three are always drawn,
 * so that turning one kind of change off leaves the others as they were.
 */
export function drawView({ seed, hash, view, augment }: DrawViewOptions): ViewTransform {
  const counter = [word(hash, 0), word(hash, 8), view] as [number, number, number];
  const drawn = uniforms({ seed, domain: randomDomain.viewNumbers, counter }, 3);
  const [coin, x, y] = drawn as unknown as [number, number, number];
  return {
    flip: augment.flip && coin < 0.5,
    // Adding 0 turns -0 into 0.
    shiftX: (2 * x - 1) * augment.widthShift + 0,
    shiftY: (2 * y - 1) * augment.heightShift + 0,
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
  const { flip, shiftX, shiftY } = transform;
  if (!flip && shiftX === 0 && shiftY === 0) return 'plain';
  // Adding 0 turns -0 into 0; a number's text in JavaScript is the shortest that reads back as it.
  return `flip ${flip ? 1 : 0} shift ${shiftX + 0} ${shiftY + 0}`;
}
