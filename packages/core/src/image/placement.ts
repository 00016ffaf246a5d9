export interface Size {
  readonly height: number;
  readonly width: number;
}

export interface Box extends Size {
  readonly top: number;
  readonly left: number;
}

/**
 * How a picture of another shape comes to the size that is wanted:
 * - `stretch`: to it, whatever its proportions (Keras's default);
 * - `crop`: its middle, as large as the proportions allow (Keras's `keep_aspect_ratio=True`;
 *   what lies outside does not count in it, not at its edges either);
 * - `pad`: whole, in the middle of black (Pillow's `ImageOps.pad`).
 */
export type Fit = 'stretch' | 'crop' | 'pad';

/** Which part of a picture is scaled, and where in the result it stands. */
export interface Placement {
  readonly source: Box;
  readonly target: Box;
}

/** Every part is at least one pixel high and wide. */
export function placement(from: Size, to: Size, fit: Fit): Placement {
  const whole = { ...from, top: 0, left: 0 };
  const all = { ...to, top: 0, left: 0 };
  switch (fit) {
    case 'stretch':
      return { source: whole, target: all };
    case 'crop':
      return { source: cropped(from, to), target: all };
    case 'pad':
      return { source: whole, target: padded(from, to) };
    default:
      return fit satisfies never;
  }
}

function cropped(from: Size, to: Size): Box {
  const fitting = (length: number, most: number) => Math.max(1, Math.min(most, Math.floor(length)));
  const height = fitting((from.width * to.height) / to.width, from.height);
  const width = fitting((from.height * to.width) / to.height, from.width);
  const middle = (outer: number, inner: number) => Math.floor((outer - inner) / 2);
  return {
    top: middle(from.height, height),
    left: middle(from.width, width),
    height,
    width,
  };
}

function padded(from: Size, to: Size): Box {
  const wider = from.width / from.height > to.width / to.height;
  const higher = from.width / from.height < to.width / to.height;
  const scaled = (length: number) => Math.max(1, roundHalfEven(length));
  const height = wider ? scaled((from.height / from.width) * to.width) : to.height;
  const width = higher ? scaled((from.width / from.height) * to.height) : to.width;
  const middle = (outer: number, inner: number) => roundHalfEven((outer - inner) / 2);
  return { top: middle(to.height, height), left: middle(to.width, width), height, width };
}

/** As Python's `round`. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
