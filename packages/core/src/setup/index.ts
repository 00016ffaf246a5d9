export { type SetupCudaOptions, type SetupCudaResult, setupCuda } from './cuda-provider.ts';
export { type MissingLibrary, missingLibraries } from './libraries.ts';
