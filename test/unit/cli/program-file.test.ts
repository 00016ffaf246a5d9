import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../util/shared.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';

const program = join(repositoryRoot, 'packages/cli/bin/headstart.js');
const build = 'Build Headstart first: npm run build.';
const install =
  'Install Headstart again; if the package is there, raise the limit of open files (ulimit -n).';

const places: TemporaryFolder[] = [];
let place = '';
beforeEach(async () => {
  const made = await temporaryFolder();
  places.push(made);
  place = made.path;
  await mkdir(join(place, 'bin'));
  await writeFile(join(place, 'package.json'), '{"type":"module"}');
  await copyFile(program, join(place, 'bin/headstart.js'));
});
afterAll(() => Promise.all(places.map((made) => made[Symbol.asyncDispose]())));

/** Files below the program's folder, then what it says. */
async function said(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(place, name, '..'), { recursive: true });
    await writeFile(join(place, name), text);
  }
  const { status, stderr } = spawnSync(process.execPath, [join(place, 'bin/headstart.js')], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  return stderr.trim().split('\n');
}

describe('The program that cannot be loaded', () => {
  it('asks to be built where it is not', async () => {
    expect((await said({})).at(-1)).toBe(build);
  });

  it('asks to be built where its own packages are not', async () => {
    const main = 'import "../packages/core/dist/index.js";';
    expect((await said({ 'dist/main.js': main })).at(-1)).toBe(build);
  });

  it('names a missing package, and asks to be installed again', async () => {
    const lines = await said({ 'dist/main.js': 'import "commander-that-is-missing";' });
    expect(lines[0]).toContain("Cannot find package 'commander-that-is-missing'");
    expect(lines.at(-1)).toBe(install);
  });

  it('shows a mistake in its own code whole, without advice', async () => {
    const lines = await said({ 'dist/main.js': 'null.field;' });
    expect(lines.join('\n')).toMatch(/TypeError: .*\n.*main\.js/s);
    expect(lines.join('\n')).not.toMatch(/Build|Install/);
  });

  it.skipIf(process.platform === 'win32')(
    'speaks of open files where too many are, never of building',
    () => {
      for (const limit of [22, 26, 30, 40, 60]) {
        const command = `ulimit -n ${limit}; exec "${process.execPath}" "${program}" --version`;
        const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
        expect(stderr).not.toContain('Build');
        if (status !== 0) expect(stderr).toMatch(/limit( of open files)? \(ulimit -n\)\.$/m);
        if (limit === 22) expect(stderr).toContain('EMFILE: too many open files');
      }
    },
  );
});
