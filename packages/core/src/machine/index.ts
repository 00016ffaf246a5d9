export { type SetupCudaOptions, type SetupCudaResult, setupCuda } from './cuda-provider.ts';
export { type DoctorOptions, doctor } from './doctor.ts';
export type { Finding } from './finding.ts';
export { type MissingLibrary, missingLibraries } from './libraries.ts';
