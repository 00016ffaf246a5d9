// Looks for memory errors, leaks and races in the native addon:
//
//   node scripts/check-native.mjs [sanitizers] [threads] [valgrind] [addon] [emulated]
//
// Default: all of them
//
//   sanitizers  the exercise program with the address, leak and undefined-behaviour sanitizers
//   threads     the same with the thread sanitizer
//   valgrind    with few samples and portable kernels (valgrind does not know AVX-512, and is slow
//               in fused multiply-add)
//   addon       the tests of the addon in Node, with the address and undefined-behaviour sanitizers
//   emulated    the same for the kernels of CUDA on the emulated device: what they read and write
//               outside of their memory shows
//
// Needs Linux, CMake and GCC; valgrind for its part. Takes some minutes.
import { execFileSync, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'packages/native');

function run(command, args, environment = {}) {
  const env = { ...process.env, ...environment };
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (error || status !== 0) {
    const how = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`);
    console.error(`error: ${command} ${args.join(' ')}: ${how}`);
    process.exit(1);
  }
}

/** Builds the exercise program and gives its path. */
function buildExercise(name, sanitize) {
  const folder = join(source, 'build', name);
  const options = ['-DCMAKE_BUILD_TYPE=Release', '-DWITH_CUDA=OFF', `-DSANITIZE=${sanitize}`];
  run('cmake', ['-S', source, '-B', folder, '-DCMAKE_CXX_FLAGS=-g', ...options]);
  run('cmake', ['--build', folder, '--target', 'headstart_exercise', '--parallel']);
  return join(folder, 'headstart_exercise');
}

const checks = {
  sanitizers() {
    const exercise = buildExercise('address', 'address,undefined');
    for (const set of ['', 'avx2', 'portable']) run(exercise, [], { HEADSTART_CPU: set });
  },
  threads() {
    run(buildExercise('thread', 'thread'), [], { TSAN_OPTIONS: 'halt_on_error=1' });
  },
  valgrind() {
    const exercise = buildExercise('valgrind', '');
    const options = [
      '--error-exitcode=1',
      '--leak-check=full',
      '--errors-for-leak-kinds=all',
      '-q',
    ];
    run('valgrind', [...options, exercise, 'few'], { HEADSTART_CPU: 'portable' });
  },
  addon() {
    const addon = buildSanitized('headstart');
    run(join(root, 'node_modules/.bin/vitest'), ['run', 'test/native'], sanitized(addon));
  },
  emulated() {
    const addon = buildSanitized('headstart_emulated');
    run(process.execPath, ['test/gpu/support/exercise.mjs'], sanitized(addon));
  },
};

/** Builds the addon with sanitizers and gives its path. */
function buildSanitized(target) {
  const output = join(source, 'build', 'sanitized');
  const directories = ['--directory', source, '--out', output];
  const options = ['--CDWITH_CUDA=OFF', '--CDSANITIZE=address,undefined', '--target', target];
  run(join(root, 'node_modules/.bin/cmake-js'), ['compile', ...directories, ...options]);
  return join(output, 'Release', `${target}.node`);
}

/** The environment that makes Node load a sanitized addon. */
function sanitized(addon) {
  const libasan = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  return {
    HEADSTART_ADDON: addon,
    LD_PRELOAD: libasan.trim(),
    // V8 keeps memory to the end; leaks of ours are looked for above and, with little memory kept
    // back by the sanitizer, in the tests.
    ASAN_OPTIONS: 'detect_leaks=0:quarantine_size_mb=8',
  };
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(checks, name));
if (unknown) {
  console.error(`error: there is no check "${unknown}": use ${Object.keys(checks).join(', ')}.`);
  process.exit(2);
}
for (const name of wanted.length > 0 ? wanted : Object.keys(checks)) {
  console.log(`\n> ${name}`);
  checks[name]();
}
