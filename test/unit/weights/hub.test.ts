import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Backbone, locateBackbone, pullWeights } from '#core/backbone';
import { cachedHubModel, pullHubModel } from '#core/weights';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { smallModel } from '../backbone/models.ts';
import { breakOnce, commit, type Hub, serveHub, sha256 } from './hub-server.ts';

const text = (value: string) => ({ bytes: Buffer.from(value) });
const model = smallModel();
const settings = {
  image_processor_type: 'ViTImageProcessor',
  size: 8,
  resample: 3,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};
const files = {
  'README.md': text('---\nlicense: apache-2.0\ntags: [x]\n---\n# A model\n'),
  'config.json': text('{"model_type":"vit"}'),
  'preprocessor_config.json': text(JSON.stringify(settings)),
  'pytorch_model.bin': text('not needed'),
  'onnx/model.onnx': { bytes: model, large: true },
  'onnx/model.onnx_data': { bytes: Buffer.alloc(400_000, 7), large: true },
  'onnx/model_int8.onnx': { bytes: model, large: true },
};

let place: TemporaryFolder;
let hub: Hub;
beforeEach(async () => {
  place = await temporaryFolder();
  hub = await serveHub('org/tiny.vit', files);
  vi.stubEnv('HF_ENDPOINT', `${hub.url}/`);
  vi.stubEnv('HF_HUB_CACHE', join(place.path, 'hub'));
  vi.stubEnv('HF_TOKEN', '');
  vi.stubEnv('HF_HUB_OFFLINE', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

const spec = 'hf:org/tiny.vit';
const folder = () => join(place.path, 'hub/models--org--tiny.vit');
const snapshot = () => join(folder(), 'snapshots', commit);

describe('a model of Hugging Face', () => {
  it('is fetched into the cache of its own programs, with what belongs to it', async () => {
    const pulled = await pullHubModel(spec);
    const path = join(snapshot(), 'onnx/model.onnx');
    expect(pulled).toEqual({ name: 'org/tiny.vit', revision: commit, path, license: 'apache-2.0' });
    expect(await readFile(path)).toEqual(Buffer.from(model));
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    expect(await readFile(join(folder(), 'refs/main'), 'utf8')).toBe(commit);
    expect((await readdir(snapshot())).sort()).toEqual([
      'README.md',
      'config.json',
      'onnx',
      'preprocessor_config.json',
    ]);
    expect((await readdir(join(snapshot(), 'onnx'))).sort()).toEqual([
      'model.onnx',
      'model.onnx_data',
    ]);
    expect(await readdir(join(folder(), 'blobs'))).toContain(sha256(model));
  });

  it('is not fetched again, and found without the hub', async () => {
    await pullHubModel(spec);
    const fetched = hub.requests.length;
    await pullHubModel(spec);
    expect(hub.requests.slice(fetched).every(({ path }) => path.startsWith('/api/'))).toBe(true);
    const asked = hub.requests.length;
    expect((await cachedHubModel(spec))?.path).toBe(join(snapshot(), 'onnx/model.onnx'));
    expect((await cachedHubModel(`${spec}@${commit}`))?.revision).toBe(commit);
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect((await pullHubModel(spec)).revision).toBe(commit);
    expect(hub.requests.length).toBe(asked);
  });

  it('that may not be fetched is missing', async () => {
    vi.stubEnv('HF_HUB_OFFLINE', 'true');
    await expect(pullHubModel(spec)).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING',
      message: expect.stringContaining('HF_HUB_OFFLINE is set'),
    });
    expect(hub.requests).toEqual([]);
  });

  it('whose download breaks off goes on where it was', async () => {
    hub.instead = breakOnce(files['onnx/model.onnx_data'].bytes, 300_000);
    const { path } = await pullHubModel(spec);
    expect(await readFile(`${path}_data`)).toEqual(files['onnx/model.onnx_data'].bytes);
    expect(hub.ranges.some((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });

  it('of another digest is refused, and nothing of it is kept', async () => {
    hub.instead = (request, response) => {
      if (!request.url?.endsWith(sha256(model))) return false;
      const other = Uint8Array.from(model).reverse();
      response.writeHead(200, { 'content-length': other.length }).end(other);
      return true;
    };
    await expect(pullHubModel(spec)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(
        /^Cannot fetch onnx\/model\.onnx of hf:org\/tiny\.vit: its sha256 is .* not /,
      ),
    });
    expect(
      (await readdir(join(folder(), 'blobs'))).some((name) => name.startsWith(sha256(model))),
    ).toBe(false);
    expect(await cachedHubModel(spec)).toBeUndefined();
  });

  it('of another digest in git is refused, too', async () => {
    hub.instead = (request, response) => {
      if (!request.url?.endsWith('/config.json')) return false;
      response.writeHead(200, { 'content-length': 20 }).end('{"model_type":"tiv"}');
      return true;
    };
    await expect(pullHubModel(spec)).rejects.toThrow(
      'Cannot fetch config.json of hf:org/tiny.vit: its gitBlob is',
    );
  });

  it('is asked for again where the hub is busy', async () => {
    let refused = 0;
    hub.instead = (_, response) => {
      if (refused++ > 0) return false;
      response.writeHead(503).end();
      return true;
    };
    expect((await pullHubModel(spec)).revision).toBe(commit);
  });

  it('is fetched with the token, which its content store does not see', async () => {
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    await pullHubModel(spec);
    for (const { path, token } of hub.requests) {
      expect(token, path).toBe(path.startsWith('/store/') ? undefined : 'Bearer hf_secret');
    }
    vi.stubEnv('HF_TOKEN', 'secret');
    await expect(pullHubModel(spec)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('HF_TOKEN'),
    });
  });

  it.each([
    [401, '/api/', 'or it is private: see'],
    [403, '/resolve/', 'accept its terms at'],
    [404, '/api/', 'There is no hf:org/tiny.vit: see'],
  ])('that is answered with %i is explained', async (status, part, sentence) => {
    hub.instead = (request, response) => {
      if (!request.url?.includes(part)) return false;
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"no"}');
      return true;
    };
    await expect(pullHubModel(spec)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(sentence),
    });
  });

  it('is chosen by name among several', async () => {
    const { path } = await pullHubModel(spec, { file: 'onnx/model_int8.onnx' });
    expect(path).toBe(join(snapshot(), 'onnx/model_int8.onnx'));
    await expect(pullHubModel(spec, { file: 'a.onnx' })).rejects.toMatchObject({
      code: 'USAGE',
      message:
        'hf:org/tiny.vit has no ONNX file a.onnx: it has onnx/model.onnx, onnx/model_int8.onnx.',
    });
  });

  it.each(['hf:org', 'hf:org/', 'hf:../x', 'hf:a/b@../c', 'hf:a/b c'])(
    'is not called %s',
    async (wrong) => {
      await expect(pullHubModel(wrong)).rejects.toMatchObject({ code: 'USAGE' });
      expect(hub.requests).toEqual([]);
    },
  );
});

it('a repository whose files would leave the cache gives nothing', async () => {
  await using evil = await serveHub('org/evil', {
    '../../model.onnx': { bytes: model, large: true },
  });
  vi.stubEnv('HF_ENDPOINT', evil.url);
  await expect(pullHubModel('hf:org/evil')).rejects.toThrow('has no ONNX file: export');
});

describe('a backbone of Hugging Face', () => {
  it('is fetched at its first use, which is said, and computes as its maker says', async () => {
    const notices: string[] = [];
    const options = {
      modelsDir: join(place.path, 'models'),
      onNotice: ({ text: said }: { text: string }) => notices.push(said),
    };
    const file = await locateBackbone(spec, options);
    expect(notices).toEqual([
      `${spec} is not here yet and is fetched`,
      `${spec} is here: commit ${commit}, licence apache-2.0`,
    ]);
    expect(file).toMatchObject({
      name: 'org--tiny.vit',
      source: `hf:org/tiny.vit@${commit} (licence apache-2.0)`,
      images: { resize: 'bicubic', fit: 'stretch-8' },
    });
    const asked = hub.requests.length;
    const again = await locateBackbone(spec, options);
    expect(again).toEqual(file);
    expect(notices.length).toBe(2);
    expect(hub.requests.length).toBe(asked);
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    expect(backbone.info.featureShape).toEqual([4, 4, 3]);
    expect((await backbone.run(new Uint8Array(192).fill(255), 1)).every((x) => x === 1)).toBe(true);
  });

  it('is pulled, with commit and licence', async () => {
    const pulled = await pullWeights({ name: spec });
    expect(pulled).toMatchObject({
      name: 'org/tiny.vit',
      revision: commit,
      license: 'apache-2.0',
      sha256: sha256(model),
    });
    expect(pulled.preprocessing).toBe('mean 0.5 0.5 0.5, std 0.5 0.5 0.5, scale 1/255');
    await expect(pullWeights({ name: spec, preprocess: 'torch' })).rejects.toThrow(
      'leave out `preprocess`',
    );
    await expect(pullWeights({ file: 'x' })).rejects.toThrow('leave out `file`');
    await rm(join(snapshot(), '..'), { recursive: true });
    expect(await cachedHubModel(spec)).toBeUndefined();
  });
});
