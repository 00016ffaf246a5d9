import { readFileSync } from 'node:fs';

/** A file of weights that can be fetched: an entry of models/manifest.json. */
export interface ManifestEntry {
  readonly file: string;
  readonly url: string;
  readonly bytes?: number;
  readonly md5?: string;
  readonly sha256?: string;
  readonly format: 'keras-h5' | 'safetensors';
  readonly licence: string;
  readonly citation: string;
}

export interface Manifest {
  readonly vgg16: readonly ManifestEntry[];
}

/** The manifest of the backbones' weights, models/manifest.json. */
export function readManifest(): Manifest {
  const file = new URL('../../../../models/manifest.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}
