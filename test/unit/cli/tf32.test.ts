import { afterEach, expect, test, vi } from 'vitest';
import { createProgram } from '../../../packages/cli/src/main.ts';
import { setTf32 } from '../../../packages/cli/src/options.ts';

afterEach(() => vi.unstubAllEnvs());

test.each([
  [['--no-tf32'], '0'],
  [[], undefined],
])('with %j cuDNN is told %s', async (args, expected) => {
  vi.stubEnv('NVIDIA_TF32_OVERRIDE', undefined);
  const program = createProgram(() => async (...given) => {
    setTf32(given.at(-1) as Parameters<typeof setTf32>[0]);
  });
  await program.parseAsync(['features', 'data', ...args], { from: 'user' });
  expect(process.env.NVIDIA_TF32_OVERRIDE).toBe(expected);
});
