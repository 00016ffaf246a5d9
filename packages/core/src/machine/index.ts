export { type SetupCudaResult, setupCuda } from './cuda-provider.ts';
export { type DoctorOptions, doctor } from './doctor.ts';
export type { Finding } from './finding.ts';
export { missingLibraries } from './libraries.ts';
