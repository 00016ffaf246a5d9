import { afterEach, expect, test, vi } from 'vitest';
import { setTf32 } from '../../../packages/cli/src/options.ts';

afterEach(() => vi.unstubAllEnvs());

test.each([
  [false, '0'],
  [true, undefined],
  [undefined, undefined],
])('where --tf32 is %s cuDNN is told %s', (tf32, expected) => {
  vi.stubEnv('NVIDIA_TF32_OVERRIDE', undefined);
  const command = { opts: () => ({ tf32 }) };
  setTf32(command as Parameters<typeof setTf32>[0]);
  expect(process.env.NVIDIA_TF32_OVERRIDE).toBe(expected);
});
