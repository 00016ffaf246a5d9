import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOfBackbone, readOutline } from '../../../packages/core/src/onnx/model-outline.ts';
import {
  decodeModel,
  encodeModel,
  type Model,
} from '../../../packages/core/src/onnx/onnx-model.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { chainModel } from '../backbone/chain-model.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

/** A chain of convolutions with a kernel that is too large for an outline. */
function largeModel(): Model {
  const model = decodeModel(chainModel(), 'chain');
  const [kernel] = model.graph?.initializer ?? [];
  if (kernel) kernel.rawData = new Uint8Array(300_000).fill(7);
  model.irVersion = -1;
  model.metadataProps.push({ key: 'after', value: 'x'.repeat(100_000) } as never);
  return model;
}

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, bytes);
  return path;
}

describe('the outline of a model', () => {
  it('is the model without the numbers of its large constants', async () => {
    const whole = largeModel();
    const path = await written('large.onnx', encodeModel(whole));
    const outline = await readOutline(path);
    const [kernel, ...others] = outline.graph?.initializer ?? [];
    expect(kernel?.rawData).toHaveLength(0);
    expect(Object.hasOwn(kernel as object, 'rawData')).toBe(true);
    expect(others.every(({ rawData }) => rawData?.length)).toBe(true);
    const first = whole.graph?.initializer?.[0];
    if (first) first.rawData = new Uint8Array(0);
    expect(encodeModel(outline)).toEqual(encodeModel(whole));
  });

  it('is refused where the file is cut off, wherever that is', async () => {
    const bytes = encodeModel(largeModel());
    for (const share of [0.01, 0.3, 0.7, 0.9, 0.999]) {
      const path = await written('cut.onnx', bytes.subarray(0, Math.floor(bytes.length * share)));
      await expect(readOutline(path)).rejects.toMatchObject({
        code: 'BACKBONE_UNSUITABLE',
        message: expect.stringMatching(/cut\.onnx is not an ONNX file/),
      });
    }
  });

  it('is refused where the file is no model, or cannot be read', async () => {
    const texts = ['', 'not a model at all', '\x00\x01\x02', '{"format":"onnx"}'];
    for (const text of texts) {
      await expect(readOutline(await written('text.onnx', Buffer.from(text)))).rejects.toThrow(
        'text.onnx is not an ONNX file',
      );
    }
    await mkdir(join(folder.path, 'folder.onnx'));
    for (const name of ['folder.onnx', 'missing.onnx']) {
      const path = join(folder.path, name);
      await expect(readOutline(path)).rejects.toThrow(`Cannot read the backbone ${path}`);
      await expect(digestOfBackbone(path)).rejects.toThrow(`Cannot read the backbone ${path}`);
    }
  });

  it('is refused where the file is larger than any model, whatever length it tells of', async () => {
    const path = await written('huge.onnx', Buffer.from([0x12, 0xf9, 0xff, 0xff, 0xff, 0x0b]));
    await truncate(path, 3 * 2 ** 30);
    await expect(readOutline(path)).rejects.toThrow(
      'huge.onnx is not an ONNX file: it has 2 GiB or more.',
    );
    await rm(path);
  });

  it.skipIf(process.platform === 'win32')(
    'does not wait for a pipe that nobody writes to',
    async () => {
      const path = join(folder.path, 'pipe.onnx');
      execFileSync('mkfifo', [path]);
      for (const read of [readOutline, digestOfBackbone]) {
        await expect(read(path)).rejects.toThrow('it is not a regular file');
      }
    },
  );

  it('goes with the digest of the whole file', async () => {
    const bytes = Buffer.alloc(3 * 2 ** 20 + 5, 'digest');
    const digest = createHash('sha256').update(bytes).digest('hex');
    expect(await digestOfBackbone(await written('bytes.onnx', bytes))).toBe(digest);
  });
});
