export { download } from './fetch.ts';
export { downloadTensors } from './fetch-tensors.ts';
export { heWeights } from './he.ts';
export {
  cachedHubModel,
  type HubModel,
  isHubName,
  type PullHubOptions,
  pullHubModel,
} from './hub.ts';
export { readKerasWeights } from './keras-h5.ts';
export { type ManifestEntry, readManifest } from './manifest.ts';
export { isConvolution, readSafetensorsWeights } from './safetensors.ts';
export { digestOf, type Expected, verifyFile } from './verify.ts';
