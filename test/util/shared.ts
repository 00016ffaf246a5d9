import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The checkout's root folder, with a trailing slash. */
export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Real images and weights that may stand in `shared/` beside the checkout. They are not part of
 * the project: a test that wants them skips, with the reason printed, where they are absent.
 */
export function sharedPath(relative: string): string | undefined {
  const path = fileURLToPath(new URL(`../../../shared/${relative}`, import.meta.url));
  if (existsSync(path)) return path;
  console.log(`skipped: ../shared/${relative} is not beside this checkout`);
  return undefined;
}
