import { existsSync, readFileSync } from 'node:fs';

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

/** Where the manifest is: in the package that was installed, or at the root of a checkout. */
const places = ['../../models/manifest.json', '../../../../models/manifest.json'];

/** The manifest of the backbones' weights, models/manifest.json. */
export function readManifest(): Manifest {
  const files = places.map((path) => new URL(path, import.meta.url));
  const file = files.find((url) => existsSync(url)) ?? files[0]!;
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}
