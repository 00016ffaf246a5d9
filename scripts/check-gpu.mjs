// All that needs a GPU, in one command, on a machine with one: tests, compute-sanitizer, the machine
// code, and benchmarks against PyTorch. Build first (npm run build).
//
//   node scripts/check-gpu.mjs [PYTHON] [samples] [FOLDER]
//
// PYTHON is an interpreter with a PyTorch that has CUDA (default python3); samples are those of the
// streaming test (default 1000000: 50 GB of the GPU's memory). FOLDER has one
// folder a class of images, for the rate of features from files (which need `headstart setup cuda`).
// Parts whose tool is missing say so.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backends } from '../packages/native/dist/index.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [python = 'python3', samples = '1000000', images] = process.argv.slice(2);
const failed = [];

const cuda = backends().find(({ name }) => name === 'cuda');
if (!cuda.available) {
  console.error(`error: there is no CUDA device to check: ${cuda.reason}.`);
  process.exit(1);
}

function part(title, command, args) {
  console.log(`\n> ${title}`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error?.code === 'ENOENT') {
    console.log(`skipped: ${command} is not on the PATH`);
  } else if (status !== 0) {
    failed.push(title);
  }
}

const node = process.execPath;
part('what is here', node, ['packages/cli/bin/headstart.js', 'doctor']);
part('tests', node, [
  join('node_modules', 'vitest', 'vitest.mjs'),
  ...['run', '--project', 'headstart', 'test/gpu'],
]);
for (const tool of ['memcheck', 'racecheck', 'initcheck', 'synccheck']) {
  const options = ['--tool', tool, '--error-exitcode', '1', '--target-processes', 'all'];
  const exercise = [node, 'test/gpu/support/exercise.mjs'];
  part(`compute-sanitizer ${tool}`, 'compute-sanitizer', [...options, ...exercise]);
}
part('machine code', node, ['scripts/check-cuda-code.mjs']);
part('benchmark', node, ['bench/gpu/run.mjs', python]);
part('features', node, ['bench/gpu/extract.mjs', ...(images ? [images] : [])]);
part('streaming', node, ['bench/gpu/stream.mjs', samples]);
console.log(failed.length === 0 ? '\nAll passed.' : `\nFailed: ${failed.join(', ')}.`);
process.exitCode = failed.length === 0 ? 0 : 1;
