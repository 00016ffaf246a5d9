import { backends } from '@headstart/native';

const cuda = backends().find(({ name }) => name === 'cuda')!;

/** Whether there is a GPU, be it an emulated one. */
export const hasGpu = cuda.available;
/** The emulated one can be told to fail; see packages/native/cpp/check/emulated_cuda. */
export const isEmulated = cuda.description.includes('emulated');

if (!hasGpu) console.log(`skipped: no CUDA device (${cuda.reason})`);

/** Most that the GPU's numbers differ from the CPU's in float32, relative to the largest. */
export const tolerance = { fp32: 1e-4, tf32: 5e-3, bf16: 4e-2 } as const;

/**
 * The same for gradients behind ReLU or a max pool, as a norm relative to the gradient's. What is
 * rounded there may stop a gradient or send it to another pixel, which changes single numbers by
 * much.
 */
export const toleranceBehindKinks = { fp32: 1e-4, tf32: 0.05, bf16: 0.2 } as const;
