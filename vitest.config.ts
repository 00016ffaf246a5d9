import { defineConfig } from 'vitest/config';

/** Tests run the built packages (`dist`, `build/Release`): `npm test` builds first. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
