// The feature cache beside plain files and safetensors shards: writing and reading records of
// 7x7x512 float16, remembering files, and the start of training. Build first (npm run build).
//
//   node bench/cache/run.mjs [RECORDS] [IMAGES] [FILES] [FOLDER]
//
// RECORDS (default 100000, 5.4 GB on disk, one store after the other), IMAGES whose features training
// starts with (default 10000), FILES to be hashed (default 100000); FOLDER for all of it (default: the
// system's for temporary files), which is emptied afterwards. Writing ends when all is on disk, in
// each of the stores; "warm" is the second of two passes, and needs memory for a store beside itself.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const [records = 100_000, images = 10_000, files = 100_000] = process.argv.slice(2, 5).map(Number);
const folder = mkdtempSync(join(process.argv[5] ?? tmpdir(), 'headstart-bench-'));
const script = fileURLToPath(new URL('./store.mjs', import.meta.url));
const gigabytes = (records * 7 * 7 * 512 * 2) / 1e9;

const titles = {
  cache: 'cache: 8 records at once, flushed at the end; checksums compared',
  safetensors: 'safetensors: 1000 records a file, flushed each; no checksums',
  files: 'plain files: flushed at the end; no checksums',
};

function step(...args) {
  const output = execFileSync(process.execPath, [script, ...args.map(String)], {
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

function sizeOf(dir) {
  const names = readdirSync(dir, { recursive: true }).filter((name) => /\.(pack|idx)$/.test(name));
  return names.reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}

function makeFiles(root, count, content) {
  for (let i = 0; i < count; i++) {
    const place = join(root, `class-${i % 10}`);
    if (i < 10) mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `${i}.png`), content(i));
  }
  execFileSync('sync', ['-f', root]);
}

try {
  console.log(`${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}`);
  console.log(
    `\n| ${records} records, ${gigabytes.toFixed(1)} GB | write | processor | MB/s | memory | read all, warm | processor | MB/s | memory |`,
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const [store, title] of Object.entries(titles)) {
    const place = join(folder, store);
    mkdirSync(place);
    const write = step('write', store, place, records);
    step('scan', store, place, records);
    const read = step('scan', store, place, records);
    const cells = [write, read].flatMap(({ seconds, cpu, megabytes }) => [
      `${seconds.toFixed(1)} s`,
      `${cpu.toFixed(1)} s`,
      ((1000 * gigabytes) / seconds).toFixed(0),
      `${megabytes.toFixed(0)} MB`,
    ]);
    console.log(`| ${title} | ${cells.join(' | ')} |`);
    rmSync(place, { recursive: true });
  }

  const hashed = join(folder, 'hashed');
  makeFiles(hashed, files, (i) => Buffer.alloc(1000 + (i % 50), `${i} `));
  // What has just been written is not remembered.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const memo = join(folder, 'memo');
  const [first, second] = [step('hash', hashed, memo), step('hash', hashed, memo)];
  console.log(
    `\nScan of ${files} files: ${first.seconds.toFixed(2)} s; again ${second.seconds.toFixed(2)} s (processor ${first.cpu.toFixed(2)} s and ${second.cpu.toFixed(2)} s), ${second.result.reused} of them not read (${second.megabytes.toFixed(0)} MB)`,
  );
  rmSync(hashed, { recursive: true });

  const data = join(folder, 'data');
  const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#456' } })
    .png()
    .toBuffer();
  makeFiles(data, images, (i) => Buffer.concat([picture, Buffer.from(`${i}`)]));
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const cache = join(folder, 'start');
  step('start', data, cache);
  step('start', data, cache);
  const { cpu, megabytes, result } = step('start', data, cache);
  const names = ['open', 'scan', 'find', 'hand over'];
  const parts = names.map((part) => `${part} ${result[part].toFixed(2)} s`);
  const seconds = names.reduce((sum, part) => sum + result[part], 0);
  console.log(
    `\nStart of training on ${result.images} images, ${result.computed} computed: ${seconds.toFixed(2)} s (processor ${cpu.toFixed(2)} s with the start of Node; ${parts.join(', ')}), ${megabytes.toFixed(0)} MB with those of the trainer; packs ${(sizeOf(cache) / 1e6).toFixed(0)} MB. To fill as much memory as the features take, with nothing: ${result['fresh memory'].toFixed(2)} s`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
