import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { HeadstartError, reasonOf } from '../errors.ts';
import type { BackboneFile } from './file.ts';
import { decodeModel, modelMetadata } from './onnx-model.ts';

/**
 * What a backbone file in the form of our own says of itself.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where it cannot be read
 */
export async function describeFile(path: string, name?: string): Promise<BackboneFile> {
  const bytes = await readBackbone(path);
  const metadata = modelMetadata(decodeModel(bytes, path));
  return {
    path,
    sha256: createHash('sha256').update(bytes).digest('hex'),
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
    throw new HeadstartError(
      'BACKBONE_UNSUITABLE',
      `Cannot read the backbone ${path}: ${reasonOf(error)}. Give vgg16, vgg16-untrained or an ONNX file.`,
      { cause: error },
    );
  }
}
