import { type Bounds, type Kind, number, written } from './kinds.ts';

const isPositive = (value: unknown) => Number.isFinite(value) && (value as number) > 0;
const isAtLeastZero = (value: unknown) => Number.isFinite(value) && (value as number) >= 0;

/** A number and the letters behind it; undefined where a text is not that. */
function quantity(text: string): { readonly value: number; readonly unit: string } | undefined {
  const [, digits, unit = ''] = /^\s*(\d*\.?\d+)\s*([a-z%]*)\s*$/i.exec(text) ?? [];
  return digits === undefined ? undefined : { value: Number(digits), unit: unit.toLowerCase() };
}

/** A number of some units, as text with the unit behind it or, with `fallback`, without one. */
function inUnits(text: string, units: Readonly<Record<string, number>>, fallback: string) {
  const { value, unit } = quantity(text) ?? {};
  const factor = units[unit || fallback];
  return value === undefined || factor === undefined ? undefined : value * factor;
}

/** A share of a whole, above 0 and at most 1: `1%` or `0.01`. */
export const share: Kind<number> = written({
  expected: 'a share above 0, as 1% or 0.01, of at most 100%',
  placeholder: 'share',
  schema: {
    anyOf: [
      { type: 'number', exclusiveMinimum: 0, maximum: 1 },
      { type: 'string', pattern: '^\\d*\\.?\\d+ ?%$' },
    ],
  },
  accepts: (value) => isPositive(value) && (value as number) <= 1,
  parse: (text) => inUnits(text, { '': 1, '%': 0.01 }, ''),
});

/** A number of days; as text `30d`, `30`, `4w` or `12h`. */
export const days: Kind<number> = written({
  expected: 'an age as 30d, 4w or 12h',
  placeholder: 'days',
  accepts: isAtLeastZero,
  parse: (text) => inUnits(text, { h: 1 / 24, d: 1, w: 7 }, 'd'),
});

/** A number of seconds above 0; as text `90`, `90s`, `10m` or `2h`. */
export const seconds: Kind<number> = written({
  expected: 'a time above 0, as 90s, 10m or 2h',
  placeholder: 'time',
  accepts: isPositive,
  parse: (text) => inUnits(text, { s: 1, m: 60, h: 3600 }, 's'),
});

/** A number of bytes; as text `5GB`, `500 MB` or `2GiB`. */
export const bytes: Kind<number> = written({
  expected: 'a size as 500MB or 5GB',
  placeholder: 'size',
  accepts: isAtLeastZero,
  parse(text) {
    const { value, unit = '' } = quantity(text) ?? {};
    const [, prefix, binary] = /^(?:([kmgt])(i?)b?|b?)$/.exec(unit) ?? ['no', 'unit'];
    if (value === undefined || prefix === 'unit') return undefined;
    const power = prefix === undefined ? 0 : ' kmgt'.indexOf(prefix);
    return Math.floor(value * (binary ? 1024 : 1000) ** power);
  },
});

/** Which of how many parts. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** A part of the images, as text `1/4`; or the part that a scheduler gives this process, `auto`. */
export const shard: Kind<Shard | 'auto'> = written({
  expected: 'the part and how many there are, as 1/4 to 4/4, or auto',
  placeholder: 'i/n',
  accepts(value) {
    if (value === 'auto') return true;
    const { index, count } = (value ?? {}) as Partial<Shard>;
    if (!Number.isInteger(index) || !Number.isInteger(count)) return false;
    return (index as number) >= 1 && (index as number) <= (count as number);
  },
  parse(text) {
    if (text === 'auto') return text;
    const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
    return { index, count };
  },
});

/** An identifier of a licence as model hubs have them: `mit`, `cc-by-4.0`. */
export const license: Kind<string> = written({
  expected: 'an identifier, as mit or cc-by-4.0',
  placeholder: 'id',
  accepts: (value) => typeof value === 'string' && /^[a-z0-9][a-z0-9.+-]*$/i.test(value),
  parse: (text) => text.toLowerCase(),
});

/**
 * How a picture of another shape comes to the size that is wanted:
 * - `stretch`: to it, whatever its proportions (Keras's default);
 * - `crop`: its middle, as large as the proportions allow (Keras's `keep_aspect_ratio=True`;
 *   what lies outside does not count in it, not at its edges either);
 * - `pad`: whole, in the middle of black (Pillow's `ImageOps.pad`);
 * - `shorter-256`: its shorter side to 256 pixels, then the middle of that (torchvision's `Resize` and
 *   `CenterCrop`);
 * - `stretch-256`: to 256x256, then the middle of that where less is wanted;
 * - with `-floor`, an odd pixel is cut off below or to the right (Hugging Face's processors).
 */
export type Fit =
  | 'stretch'
  | 'crop'
  | 'pad'
  | `shorter-${number}`
  | `shorter-${number}-floor`
  | `stretch-${number}`
  | `stretch-${number}-floor`;

export const fit: Kind<Fit> = written({
  expected: 'stretch, crop, pad, or shorter-N or stretch-N with pixels from 1 to 9999',
  placeholder: 'how',
  accepts: (value) =>
    /^(?:stretch|crop|pad|(?:shorter|stretch)-[1-9]\d{0,3}(?:-floor)?)$/.test(String(value)),
  parse: (text) => text,
});

/** The path of a JSON file. */
export const jsonFile: Kind<`${string}.json`> = written({
  expected: 'a .json file',
  placeholder: 'file',
  accepts: (value) => typeof value === 'string' && /\.json$/i.test(value),
  parse: (text) => text,
});

/** A number for each of red, green and blue; as text `0.485,0.456,0.406`. */
export function perChannel(bounds: Bounds = {}): Kind<readonly number[]> {
  const one = number(bounds);
  return written({
    expected: `three of ${one.expected}, for red, green and blue: 0.485,0.456,0.406`,
    placeholder: 'r,g,b',
    accepts: (value) => Array.isArray(value) && value.length === 3 && value.every(one.accepts),
    parse: (text) =>
      text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part))),
  });
}
