// Views a second that `features` computes of a folder: prints one JSON document.
//
//   node bench/extract/feed/headstart.mjs FOLDER BACKBONE VIEWS [CHECKOUT]
//
// VIEWS: augmented ones of each image, besides the plain one. CHECKOUT: another, built copy of this
// repository, whose library is measured instead.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [data, backbone, views, checkout] = process.argv.slice(2);
const root = checkout ? resolve(checkout) : fileURLToPath(new URL('../../..', import.meta.url));
const { precomputeFeatures } = await import(join(root, 'packages/core/dist/index.js'));
const cacheDir = await mkdtemp(join(tmpdir(), 'headstart-bench-'));
try {
  let first;
  const mark = () => ({
    at: performance.now(),
    cpu: process.cpuUsage(),
    loop: performance.eventLoopUtilization(),
  });
  const options = { data, backbone, cacheDir, device: 'cpu', split: 0.1, views: Number(views) };
  const result = await precomputeFeatures({
    ...options,
    augment: { flip: true, widthShift: 0.2, heightShift: 0.2 },
    // Hashing, the start of the backbone and of threads come before the first progress of features.
    onProgress: ({ stage }) => {
      if (stage.startsWith('features')) first ??= mark();
    },
  });
  const { at, cpu, loop } = first;
  const used = process.cpuUsage(cpu);
  console.log(
    JSON.stringify({
      views: result.computed,
      images: result.images,
      seconds: (performance.now() - at) / 1000,
      cpuSeconds: (used.user + used.system) / 1e6,
      mainBusySeconds: performance.eventLoopUtilization(loop).active / 1000,
      peakMegabytes: process.resourceUsage().maxRSS / 1024,
    }),
  );
} finally {
  await rm(cacheDir, { recursive: true });
}
