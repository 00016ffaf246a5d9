import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { digestOfBackbone, modelMetadata, readOutline, unreadableBackbone } from '../onnx/index.ts';
import type { BackboneFile } from './file.ts';

/**
 * What a backbone file in the form of our own says of itself.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where it cannot be read
 */
export async function describeFile(path: string, name?: string): Promise<BackboneFile> {
  const [outline, sha256] = await Promise.all([readOutline(path), digestOfBackbone(path)]);
  const metadata = modelMetadata(outline);
  return {
    path,
    sha256,
    name: name ?? metadata.backbone ?? basename(path, '.onnx'),
    untrained: metadata.untrained === 'true',
    preprocessing: metadata.preprocessing ?? 'inside the graph',
    layer: metadata.layer,
    precision: metadata.precision ?? 'float32',
    source: metadata.source,
  };
}

/** @throws HeadstartError `BACKBONE_UNSUITABLE` */
export async function readBackbone(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadableBackbone(path, error);
  }
}
