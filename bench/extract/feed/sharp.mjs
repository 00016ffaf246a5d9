// Images a second of a bare loop of sharp: prints one JSON document.
//
//   node bench/extract/feed/sharp.mjs FOLDER [raw]
//
// Read, decoded, resized to 224 x 224 (with `raw`: not resized), as raw pixels; as many at once as
// libuv has threads.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, raw] = process.argv.slice(2);
const require = createRequire(new URL('../../../packages/core/package.json', import.meta.url));
const sharp = require('sharp');
sharp.concurrency(1);
sharp.cache(false);
const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
let next = 0;
const work = async () => {
  while (next < paths.length) {
    const image = sharp(readFileSync(paths[next++]));
    if (!raw) image.resize(224, 224, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false });
    await image.raw().toBuffer();
  }
};
const started = performance.now();
const cpu = process.cpuUsage();
await Promise.all(Array.from({ length: Number(process.env.UV_THREADPOOL_SIZE ?? 4) }, work));
const seconds = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    views: paths.length,
    images: paths.length,
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
  }),
);
