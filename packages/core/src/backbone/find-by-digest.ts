import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfBackbone } from '../onnx/index.ts';
import { describeFile } from './describe-file.ts';
import type { BackboneFile, LocateOptions } from './file.ts';
import { halfPath } from './half-backbone.ts';
import { locateBackbone } from './locate.ts';
import { quantizedPath } from './quantized-backbone.ts';

/** A backbone's name, and the SHA-256 of its file in hex. */
export type BackboneDigest = Pick<BackboneFile, 'name' | 'sha256'>;

/** Where in the folder of models files are put that are made of backbones. */
const madeIn = ['', 'adapted', 'int8', 'fp16'];

/** The file of a backbone in the folder of models, by its digest; undefined where it is not there. */
export async function findByDigest(
  wanted: BackboneDigest,
  modelsDir: string,
): Promise<BackboneFile | undefined> {
  for (const folder of madeIn.map((name) => join(modelsDir, name))) {
    const names = await readdir(folder).catch(() => []);
    const alike = names.filter((name) => name.startsWith(wanted.name) && name.endsWith('.onnx'));
    const found = await firstWith(
      wanted,
      alike.map((name) => join(folder, name)),
    );
    if (found) return found;
  }
  return undefined;
}

/**
 * A backbone that is named, in the precision in which it has this digest; undefined where it has another.
 *
 * @throws HeadstartError as {@link locateBackbone}
 */
export async function locateWithDigest(
  spec: string,
  wanted: BackboneDigest,
  options: LocateOptions,
): Promise<BackboneFile | undefined> {
  const exact = await locateBackbone(spec, options);
  if (exact.sha256 === wanted.sha256) return exact;
  const { modelsDir } = options;
  return firstWith(wanted, [quantizedPath(exact, modelsDir), halfPath(exact, modelsDir)]);
}

async function firstWith(
  { name, sha256 }: BackboneDigest,
  paths: readonly string[],
): Promise<BackboneFile | undefined> {
  for (const path of paths) {
    const digest = await digestOfBackbone(path).catch(() => undefined);
    if (digest === sha256) return describeFile(path, { name });
  }
  return undefined;
}
