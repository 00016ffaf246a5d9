import { spawn, spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';

const packages = ['native', 'core', 'cli'];

/** Stands for a tool: writes its name and arguments, then does what `then` says. */
async function fakeTool(path: string, then = ''): Promise<void> {
  await writeFile(path, `#!/bin/sh\necho "ran $(basename "$0") $*"\n${then}\n`);
  await chmod(path, 0o755);
}

interface Checkout extends TemporaryFolder {
  readonly root: string;
  readonly bin: string;
}

/** A checkout with a space in its path, installed, whose compiler and tools are stand-ins. */
async function checkout(): Promise<Checkout> {
  const place = await temporaryFolder();
  const root = join(place.path, 'head start');
  const bin = join(place.path, 'bin');
  for (const folder of ['scripts', 'node_modules/.bin', ...packages.map((p) => `packages/${p}`)]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await mkdir(bin);
  await symlink(process.execPath, join(bin, 'node'));
  for (const file of ['scripts/dev.mjs', 'packages/native/compiler.mjs']) {
    await copyFile(join(repositoryRoot, file), join(root, file));
  }
  for (const name of packages) {
    await mkdir(join(root, 'packages', name, 'node_modules'));
    await writeFile(join(root, 'packages', name, 'package.json'), '{}');
  }
  await writeFile(join(root, 'package.json'), '{}');
  await writeFile(join(root, 'pnpm-lock.yaml'), '');
  await writeFile(join(root, 'node_modules/.modules.yaml'), '');
  // Clearly newer: the times of files written in the same millisecond may stand in any order.
  const installed = new Date(Date.now() + 1000);
  await utimes(join(root, 'node_modules/.modules.yaml'), installed, installed);
  await fakeTool(join(bin, 'cmake'), 'echo "cmake version 3.24.0"');
  await fakeTool(join(bin, 'c++'));
  await fakeTool(join(bin, 'npx'));
  for (const name of ['cmake-js', 'tsc', 'vitest']) {
    await fakeTool(join(root, 'node_modules/.bin', name));
  }
  return { ...place, root, bin };
}

function environment(bin: string, more: Readonly<Record<string, string>> = {}) {
  const { CXX: _, HEADSTART_CUDA: __, ...env } = process.env;
  return { ...env, PATH: [bin, '/usr/bin', '/bin'].join(delimiter), ...more };
}

function dev(at: Checkout, args: readonly string[], env: NodeJS.ProcessEnv = environment(at.bin)) {
  const script = join(at.root, 'scripts/dev.mjs');
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env });
}

/** Only the stand-ins and the shell's own tools: nothing of this machine's compilers. */
async function onlyBin(at: Checkout) {
  for (const name of ['sh', 'basename']) await symlink(`/bin/${name}`, join(at.bin, name));
  return environment(at.bin, { PATH: at.bin });
}

describe.skipIf(process.platform === 'win32')('scripts/dev.mjs', () => {
  it('builds the addon and TypeScript, then tests, with the arguments of the user', async () => {
    await using at = await checkout();
    const { status, stdout } = dev(at, ['test', 'test/unit/image', '--bail=1']);
    const ran = stdout.split('\n').filter((line) => line.startsWith('ran '));
    const compile =
      'ran cmake-js compile --directory packages/native --out packages/native/build --CDWITH_CUDA=AUTO';
    expect(ran).toEqual([
      compile,
      ...(process.platform === 'linux' ? [`${compile} --target headstart_emulated`] : []),
      'ran tsc -b',
      'ran vitest run test/unit/image --bail=1',
    ]);
    expect(status).toBe(0);
  });

  it('passes HEADSTART_CUDA on to CMake', async () => {
    await using at = await checkout();
    const { stdout } = dev(at, ['build'], environment(at.bin, { HEADSTART_CUDA: 'off' }));
    expect(stdout).toContain('--CDWITH_CUDA=OFF');
  });

  it('installs where a package.json is newer than what is installed, and only then', async () => {
    await using at = await checkout();
    expect(dev(at, ['build']).stdout).not.toContain('ran npx');
    const later = new Date(Date.now() + 60_000);
    await utimes(join(at.root, 'packages/core/package.json'), later, later);
    expect(dev(at, ['build']).stdout).toMatch(/ran npx --yes pnpm@\S+ install --frozen-lockfile/);
  });

  it('names the step that failed, goes no further, and exits with its code', async () => {
    await using at = await checkout();
    await fakeTool(join(at.root, 'node_modules/.bin/tsc'), 'exit 7');
    const { status, stdout, stderr } = dev(at, ['test']);
    expect(status).toBe(7);
    expect(stderr).toBe('error: the step "building TypeScript" failed with exit code 7.\n');
    expect(stdout).not.toContain('ran vitest');
  });

  it('names the signal that ended a step', async () => {
    await using at = await checkout();
    await fakeTool(join(at.root, 'node_modules/.bin/tsc'), 'kill -KILL $$');
    const { status, stderr } = dev(at, ['build']);
    expect(status).toBe(1);
    expect(stderr).toContain('"building TypeScript" was ended by SIGKILL');
  });

  it('exits with 130 after Ctrl-C, even where the step then ends in order', async () => {
    await using at = await checkout();
    // `wait` lets the shell take the signal at once.
    await fakeTool(
      join(at.root, 'node_modules/.bin/vitest'),
      "trap 'echo tidied; exit 0' INT\necho waiting\nsleep 60 >/dev/null 2>&1 & wait",
    );
    const child = spawn(process.execPath, [join(at.root, 'scripts/dev.mjs'), 'test'], {
      env: environment(at.bin),
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      // As a terminal does: the whole group of processes is told.
      if (!said.includes('waiting') && (said + text).includes('waiting')) {
        process.kill(-(child.pid as number), 'SIGINT');
      }
      said += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(said).toContain('tidied');
    expect(code).toBe(130);
  });

  it('says which Node is needed where it is older', async () => {
    await using at = await checkout();
    const older = join(at.path, 'older.cjs');
    await writeFile(
      older,
      "Object.defineProperty(process.versions, 'node', { value: '20.18.3' });\n",
    );
    const env = environment(at.bin, { NODE_OPTIONS: `--require "${older}"` });
    const { status, stdout, stderr } = dev(at, ['build'], env);
    expect(status).toBe(1);
    expect(stderr).toContain('needs Node 20.19 or newer; this is Node 20.18.3');
    expect(stdout).toBe('');
  });

  it('says what is missing of CMake and the compiler, and how to get it', async () => {
    await using at = await checkout();
    const env = await onlyBin(at);
    await fakeTool(join(at.bin, 'c++'), 'exit 1');
    expect(dev(at, ['build'], env).stderr).toMatch(/C\+\+ compiler is missing.*apt install g\+\+/);
    await fakeTool(join(at.bin, 'cmake'), 'echo "cmake version 3.9.6"');
    expect(dev(at, ['build'], env).stderr).toMatch(/CMake 3\.24 or newer is needed; this is 3\.9/);
    await fakeTool(join(at.bin, 'cmake'), 'exit 1');
    expect(dev(at, ['build'], env).stderr).toMatch(/CMake is missing.*brew install cmake/);
  });

  it('cleans what was built and nothing else', async () => {
    await using at = await checkout();
    const core = join(at.root, 'packages/core');
    await mkdir(join(core, 'dist'));
    await mkdir(join(at.root, 'packages/native/build/Release'), { recursive: true });
    expect(dev(at, ['clean']).status).toBe(0);
    expect((await readdir(core)).sort()).toEqual(['node_modules', 'package.json']);
    expect(await readdir(join(at.root, 'packages/native'))).not.toContain('build');
  });

  it('says what it can do where it is told nothing', async () => {
    await using at = await checkout();
    const { status, stderr } = dev(at, []);
    expect(status).toBe(1);
    expect(stderr).toContain('quickstart, test, build or clean');
  });
});

describe('scripts/count-tests.mjs', () => {
  const script = join(repositoryRoot, 'scripts/count-tests.mjs');

  async function count(results: object | '', status = 0) {
    await using place = await temporaryFolder();
    const file = join(place.path, 'results.json');
    await writeFile(file, results === '' ? '' : JSON.stringify(results));
    return spawnSync(process.execPath, [script, file, String(status)], { encoding: 'utf8' });
  }

  const passing = {
    success: true,
    numPassedTests: 12,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
  };

  it('counts what passed and failed, and what was skipped where something was', async () => {
    expect((await count(passing)).stdout).toBe('12 passed, 0 failed\n');
    const skipping = { ...passing, numPendingTests: 2, numTodoTests: 1 };
    expect((await count(skipping)).stdout).toBe('12 passed, 0 failed, 3 skipped\n');
  });

  it('counts a file that could not be loaded as a failure', async () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    const results = { ...passing, success: false, testResults };
    expect((await count(results, 1)).stdout).toBe('12 passed, 1 failed\n');
  });

  it('gives no count where nothing ran, or where the run failed outside of its tests', async () => {
    for (const results of ['', passing] as const) {
      const { status, stdout, stderr } = await count(results, 1);
      expect(status).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toContain('error:');
    }
  });
});
