import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallModel } from '../unit/backbone/models.ts';
import { commit, type Hub, serveHub } from '../unit/weights/hub-server.ts';
import { cliIn } from '../util/place.ts';
import { schemaErrors } from '../util/schemas.ts';
import { type TemporaryFolder, temporaryFolder, writePictures } from '../util/workspace.ts';

let place: TemporaryFolder;
let hub: Hub;
beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['green', 'red'], 8);
  const settings = { size: { shortest_edge: 10 }, crop_size: 8, resample: 2, do_normalize: false };
  hub = await serveHub('org/tiny', {
    'README.md': { bytes: Buffer.from('---\nlicense: mit\n---\n') },
    'preprocessor_config.json': {
      bytes: Buffer.from(JSON.stringify({ ...settings, do_resize: true })),
    },
    'model.onnx': { bytes: smallModel(), large: true },
  });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

const cli = (args: string[], env: Record<string, string> = {}) =>
  cliIn(place, args, {
    env: { HF_ENDPOINT: hub.url, HF_HOME: join(place.path, 'hf'), HF_TOKEN: '', ...env },
  });

describe('models of Hugging Face', () => {
  it('are fetched at first use, and after that need no hub', async () => {
    const train = ['train', 'data', '--backbone', 'hf:org/tiny', '--no-augment', '--epochs', '2'];
    const first = await cli([...train, '--out', 'run']);
    expect(first.stderr).toContain('hf:org/tiny is not here yet and is fetched');
    expect(first.stderr).toContain(`hf:org/tiny is here: commit ${commit}, licence mit`);
    expect(first.stderr).toContain('Images: shorter-10-floor, bilinear; pixels: rescale');
    expect(first.code).toBe(0);
    const { backbone, options } = JSON.parse(
      await readFile(join(place.path, 'run/run.json'), 'utf8'),
    );
    expect(backbone.source).toBe(`hf:org/tiny@${commit} (licence mit)`);
    expect(options.backbone).toBe('hf:org/tiny');
    const asked = hub.requests.length;
    const offline = await cli(['evaluate', 'run', 'data'], { HF_HUB_OFFLINE: '1' });
    expect(offline.stderr).not.toContain('backbone is not here');
    expect(offline.code).toBe(0);
    expect(hub.requests.length).toBe(asked);
  });

  it('are pulled by name, with a document of what they are', async () => {
    const pulled = await cli(['pull', `hf:org/tiny@${commit}`, '--json']);
    expect(pulled.code).toBe(0);
    const document = JSON.parse(pulled.stdout);
    expect(schemaErrors('pull', document)).toEqual([]);
    expect(document).toMatchObject({ revision: commit, license: 'mit', preprocessing: 'rescale' });
    const told = await cli(['pull', 'hf:org/tiny']);
    expect(told.stdout).toContain(`Commit ${commit}, licence mit`);
  });

  it.each([
    [['pull', 'hf:org/none'], 1, 'error: There is no hf:org/none: see'],
    [['pull', 'hf:org'], 2, 'give hf:ORG/NAME or hf:ORG/NAME@REVISION'],
    [['pull', 'hf:org/tiny', '--file', 'x.onnx'], 2, 'has no ONNX file x.onnx: it has model.onnx'],
    [['pull', 'hf:org/tiny', '--from', 'x'], 2, 'leave out --from'],
    [['pull', 'vgg17'], 2, 'there are vgg16 and hf:ORG/NAME'],
  ])('%j: what is wrong is said', async (args, code, sentence) => {
    const refused = await cli(args);
    expect(refused.stderr).toContain(sentence);
    expect(refused.code).toBe(code);
  });
});
