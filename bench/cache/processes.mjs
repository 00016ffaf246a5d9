// Several processes that compute the same images into one cold cache, beside one process that does it
// alone: how many images each computes, and how long it takes. Build first (npm run build).
//
//   node bench/cache/processes.mjs DATA BACKBONE.onnx [PROCESSES=8]
//
// All have the same cores; each computes with one thread, the one alone with as many as there are cores.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [data, backbone, processes = '8'] = process.argv.slice(2);
const cli = fileURLToPath(new URL('../../packages/cli/bin/headstart.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'headstart-bench-'));

function features(cache, threads) {
  const args = ['features', data, '--backbone', backbone, '--no-augment', '--json'];
  const own = ['--cache-dir', join(folder, cache), '--threads', `${threads}`];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args, ...own]);
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(text))));
  });
}

async function timed(work) {
  const started = performance.now();
  const results = await work();
  return { seconds: (performance.now() - started) / 1000, results };
}

try {
  const count = Number(processes);
  const alone = await timed(() => features('alone', availableParallelism()));
  const together = await timed(() =>
    Promise.all(Array.from({ length: count }, () => features('together', 1))),
  );
  const computed = together.results.map((result) => result.computed);
  const sum = computed.reduce((a, b) => a + b, 0);
  console.log(`one process: ${alone.results.computed} computed in ${alone.seconds.toFixed(1)} s`);
  console.log(
    `${count} processes: ${sum} computed (${computed.join(', ')}) in ${together.seconds.toFixed(1)} s`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
