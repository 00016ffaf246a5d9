import { join } from 'node:path';
import { HeadstartError } from '../base/errors.ts';

/** One sentence: what was found, and what is expected. */
export function layoutError(found: string, root: string, cause?: unknown): HeadstartError {
  return new HeadstartError(
    'DATA_LAYOUT',
    `${found}: expected ${join(root, '<class>')}/… with one folder of images for each of at least two classes, or these folders in train/ with validation/ or test/ beside it.`,
    { cause },
  );
}

export function list(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
