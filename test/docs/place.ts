import { chmod, cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import sharp from 'sharp';
import { bundledLibrary } from '../util/bundled.ts';
import { repositoryRoot } from '../util/shared.ts';
import { temporaryFolder, tinyBackbone, writePictures } from '../util/workspace.ts';

const fruits = ['apple', 'banana', 'cherry'];

/** What a reader of the documentation has: see docs/README.md, where it is listed. */
export async function prepareData(folder: string): Promise<void> {
  await writePictures(join(folder, 'fruit'), fruits, 20);
  const apart = join(folder, 'apart');
  await writePictures(apart, fruits, 26);
  for (const fruit of fruits) {
    const names = (await readdir(join(apart, fruit))).sort().slice(20);
    await mkdir(join(folder, 'fruit-test', fruit), { recursive: true });
    await mkdir(join(folder, 'more'), { recursive: true });
    for (const [i, name] of names.entries()) {
      const target = i < 5 ? join('fruit-test', fruit, name) : join('more', name);
      await cp(join(apart, fruit, name), join(folder, target));
    }
  }
  const photo = sharp(join(folder, 'more', (await readdir(join(folder, 'more')))[0] ?? ''));
  await photo.resize(320, 240).jpeg().toFile(join(folder, 'photo.jpg'));
}

/**
 * A folder with the prepared data in which a page's commands run: with a cache and models of its
 * own, where a tiny network stands for VGG16, and with `headstart` and `npx headstart` on the PATH.
 */
export async function openPlace(prepared: string) {
  const place = await temporaryFolder();
  const folder = join(place.path, 'work');
  const [bin, models] = [join(place.path, 'bin'), join(place.path, 'models')];
  for (const path of [bin, models]) await mkdir(path);
  for (const name of ['fruit', 'fruit-test', 'more', 'photo.jpg']) {
    await cp(join(prepared, name), join(folder, name), { recursive: true });
  }
  await mkdir(join(folder, 'node_modules/@headstart'), { recursive: true });
  const library = join(folder, 'node_modules/@headstart/core');
  await symlink(join(repositoryRoot, 'packages/core'), library);
  await cp(tinyBackbone, join(models, 'vgg16.onnx'));
  const program = `"${process.execPath}" "${join(repositoryRoot, 'packages/cli/bin/headstart.js')}"`;
  const refusal = 'echo "npx $1: not in the tests of the documentation" >&2; exit 1';
  await script(join(bin, 'headstart'), `exec ${program} "$@"`);
  await script(
    join(bin, 'npx'),
    `if [ "$1" != headstart ]; then ${refusal}; fi\nshift\nexec ${program} "$@"`,
  );
  const env = {
    ...process.env,
    ...bundledLibrary(),
    PATH: [bin, process.env.PATH].join(delimiter),
    HEADSTART_CACHE_DIR: join(place.path, 'cache'),
    HEADSTART_MODELS_DIR: models,
  };
  return { ...place, folder, env };
}

async function script(path: string, text: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}
