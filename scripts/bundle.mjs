// Puts the compiled library into few files, packages/core/dist/bundle:
//
//   node scripts/bundle.mjs
//
// Reading three hundred small files is most of what Node does before a command begins. What is published
// is the bundle; in a checkout it is taken under the condition `bundled` (node --conditions=bundled),
// which the tests of the command use. Build first (npm run build:ts).
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const core = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages/core/dist');

/** What is imported from outside, and the workers, which are found by their names beside the bundle. */
const entries = {
  index: 'index.js',
  features: 'features/index.js',
  head: 'head/index.js',
  options: 'options/index.js',
  worker: 'backbone/worker.js',
  'calibrate-worker': 'backbone/calibrate-worker.js',
};

/** All files in one folder two levels below the package, as the compiled ones: paths relative to them stay. */
export async function bundleCore() {
  const folder = join(core, 'bundle');
  const unfinished = join(core, `bundle-${process.pid}`);
  const input = Object.entries(entries).map(([name, file]) => [name, join(core, file)]);
  const bundle = await rolldown({
    input: Object.fromEntries(input),
    platform: 'node',
    external: /^(?!@oxc-project\/)[a-z@]/,
    transform: { target: 'node20.19' },
  });
  const chunkFileNames = '[name]-[hash].js';
  await bundle.write({
    dir: unfinished,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames,
  });
  await bundle.close();
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleCore();
