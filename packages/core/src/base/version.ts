import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** What made a file or a run. */
export const software = {
  headstart: version,
  node: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
} as const;
