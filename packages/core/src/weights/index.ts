export { download } from './fetch.ts';
export { downloadTensors } from './fetch-tensors.ts';
export { heWeights } from './he.ts';
export { readKerasWeights } from './keras-h5.ts';
export { type ManifestEntry, readManifest } from './manifest.ts';
export { isConvolution, readSafetensorsWeights } from './safetensors.ts';
export { digestOf, type Expected, verifyFile } from './verify.ts';
