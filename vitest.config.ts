import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const emulated = new URL('packages/native/build/Release/headstart_emulated.node', import.meta.url);

const emulatedGpu = {
  extends: true as const,
  test: {
    name: 'emulated GPU',
    include: ['test/gpu/**/*.test.ts'],
    env: { HEADSTART_ADDON: fileURLToPath(emulated) },
  },
};

/**
 * Tests run the built packages (`dist`, `build/Release`): `npm test` builds first. Those of the GPU
 * run twice: on a device where there is one, and on the emulated one, which needs none.
 */
export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'headstart',
          include: ['test/**/*.test.ts'],
          globalSetup: 'test/util/bundled.ts',
        },
      },
      ...(process.platform === 'linux' ? [emulatedGpu] : []),
    ],
    setupFiles: 'test/util/equal-bytes.ts',
    pool: 'forks',
    maxWorkers: 2,
    // Pages of the documentation, each a row of processes.
    maxConcurrency: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
