import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runModule } from '../../util/script.ts';
import { repositoryRoot } from '../../util/shared.ts';
import { temporaryFolder, tinyBackbone } from '../../util/workspace.ts';

const library = pathToFileURL(join(repositoryRoot, 'packages/core/dist/index.js')).href;
const program = `
  import { openBackbone } from ${JSON.stringify(library)};
  const backbone = await openBackbone(${JSON.stringify(tinyBackbone)}, { device: 'cpu' });
  console.log((await backbone.run(new Uint8Array(32 * 32 * 3), 1)).length);
  await backbone.close();`;

/** Of V8: no worker may be started with it in a list of flags. */
const flag = '--max-old-space-size=700';

describe('A backbone runs in a process with flags of V8', () => {
  it('that runs a file', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'program.mjs');
    await writeFile(file, program);
    const { stdout } = await promisify(execFile)(process.execPath, [flag, file]);
    expect(stdout).toBe('768\n');
  });

  it('that runs a text', async () => {
    const ended = { code: 0, signal: null, stdout: '768\n' };
    expect(await runModule(program, { nodeOptions: [flag] })).toEqual(ended);
  });
});
