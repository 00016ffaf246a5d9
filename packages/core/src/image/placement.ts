import type { Fit } from '../options/index.ts';

export interface Size {
  readonly height: number;
  readonly width: number;
}

export interface Box extends Size {
  readonly top: number;
  readonly left: number;
}

/** Which part of a picture is scaled, and where in the result it stands, or how far beyond. */
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
      return { source: whole, target: scaledThenCut(from, to, cutOf(fit)) };
  }
}

/** A fit that scales to some pixels and then cuts. */
export interface Cut {
  /** What comes to have so many pixels: the shorter side, or both. */
  readonly sides: 'shorter' | 'both';
  readonly pixels: number;
  /** Where the middle is half a pixel off: always the first one, or the even one of both. */
  readonly half: 'first' | 'even';
}

/** What `shorter-256`, `stretch-256` and the like say. */
export function cutOf(fit: Exclude<Fit, 'stretch' | 'crop' | 'pad'>): Cut {
  const [how, pixels, floor] = fit.split('-');
  return {
    sides: how === 'shorter' ? 'shorter' : 'both',
    pixels: Number(pixels),
    half: floor === undefined ? 'even' : 'first',
  };
}

function scaledThenCut(from: Size, to: Size, { sides, pixels, half }: Cut): Box {
  const least = Math.min(from.height, from.width);
  const scaled = (side: number) =>
    sides === 'both' ? pixels : Math.floor((pixels * side) / least);
  const before = (length: number, wanted: number) => {
    const cut = (length - wanted) / 2;
    // Of a border, where there is less than is wanted, the smaller part comes first.
    if (cut < 0) return Math.floor(-cut);
    return 0 - (half === 'even' ? roundHalfEven(cut) : Math.floor(cut));
  };
  const [height, width] = [scaled(from.height), scaled(from.width)];
  return { top: before(height, to.height), left: before(width, to.width), height, width };
}

/** The part of a box that lies within a size. */
export function visible(box: Box, { height, width }: Size): Box {
  const top = Math.max(0, box.top);
  const left = Math.max(0, box.left);
  return {
    top,
    left,
    height: Math.min(height, box.top + box.height) - top,
    width: Math.min(width, box.left + box.width) - left,
  };
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
