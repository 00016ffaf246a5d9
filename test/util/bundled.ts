import { statSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './shared.ts';

const modified = (file: string) =>
  statSync(join(repositoryRoot, 'packages/core/dist', file), { throwIfNoEntry: false })?.mtimeMs;

function isBundled(): boolean {
  const [bundle, compiled] = [modified('bundle/index.js'), modified('.tsbuildinfo')];
  return bundle !== undefined && compiled !== undefined && bundle >= compiled;
}

/** Vitest's global setup: bundles the library, where it was compiled since. */
export async function setup(): Promise<void> {
  if (isBundled()) return;
  try {
    const { bundleCore } = await import('../../scripts/bundle.mjs');
    await bundleCore();
  } catch (error) {
    console.warn(`Commands are tested with the library as it is compiled: ${error}`);
  }
}

/**
 * The environment in which a process takes the library as it is published, bundled, which starts
 * faster; empty where it could not be bundled.
 */
export function bundledLibrary(): Readonly<Record<string, string>> {
  if (!isBundled()) return {};
  return { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --conditions=bundled`.trim() };
}
