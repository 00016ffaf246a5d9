import type { HeadstartError } from '../base/errors.ts';
import type { PixelPreprocessing } from '../onnx/index.ts';
import type { ImageSettings } from './file.ts';

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** What the maker of a model says of the images that it takes. */
export interface FoundSettings {
  readonly pixels: PixelPreprocessing;
  readonly images: ImageSettings;
  readonly size: Size;
}

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** Makes the error for what such a file says and cannot be done here. */
export type Refuse = (why: string) => HeadstartError;

/** A whole number above 0, or the error that says what it is instead. */
export function positiveInteger(json: Json, key: string, refuse: Refuse): number {
  const value = json[key];
  if (Number.isInteger(value) && (value as number) > 0 && (value as number) < 10_000) {
    return value as number;
  }
  throw refuse(`has the ${key} ${JSON.stringify(value)}`);
}

/** A number for each of red, green and blue; one number stands for all. */
export function threeNumbers(json: Json, key: string, refuse: Refuse): readonly number[] {
  const value = json[key];
  const all = typeof value === 'number' ? [value, value, value] : value;
  if (Array.isArray(all) && all.length === 3 && all.every(Number.isFinite)) return all;
  throw refuse(`has the ${key} ${JSON.stringify(value)}, not three numbers`);
}
