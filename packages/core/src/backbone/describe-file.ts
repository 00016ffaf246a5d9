import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import {
  digestOfBackbone,
  hasExternalData,
  modelMetadata,
  readOutline,
  unreadableBackbone,
} from '../onnx/index.ts';
import { resizeOptions } from '../options/index.ts';
import type { BackboneFile } from './file.ts';

/**
 * The metadata of a backbone file in our own form.
 *
 * @param of the name of the backbone, and the file that it was made of, where they are other ones
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where it cannot be read, or has its weights elsewhere: the
 *   digest of this file would not show when they change
 */
export async function describeFile(
  path: string,
  { name, origin }: Partial<Pick<BackboneFile, 'name' | 'origin'>> = {},
): Promise<BackboneFile> {
  const [outline, sha256] = await Promise.all([readOutline(path), digestOfBackbone(path)]);
  if (hasExternalData(outline)) {
    throw new HeadstartError(
      'BACKBONE_UNSUITABLE',
      `${origin ?? path} has weights in other files (external data): only a model in one file can be opened here.`,
    );
  }
  const metadata = modelMetadata(outline);
  return {
    path,
    ...(origin === undefined ? {} : { origin }),
    sha256,
    name: name ?? metadata.backbone ?? basename(path, '.onnx'),
    untrained: metadata.untrained === 'true',
    preprocessing: metadata.preprocessing ?? 'inside the graph',
    ...imagesIn(metadata),
    layer: metadata.layer,
    cutLayer: metadata.cut_layer,
    precision: metadata.precision ?? 'float32',
    source: metadata.source,
  };
}

/** Other programs may have words of their own under these names. */
function imagesIn(metadata: Readonly<Record<string, string>>): Pick<BackboneFile, 'images'> {
  const resize = resizeOptions.resize.kind.read?.(metadata.resize ?? '');
  const fit = resizeOptions.fit.kind.read?.(metadata.fit ?? '');
  return resize === undefined || fit === undefined ? {} : { images: { resize, fit } };
}

/** @throws HeadstartError `BACKBONE_UNSUITABLE` */
export async function readBackbone(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadableBackbone(path, error);
  }
}
