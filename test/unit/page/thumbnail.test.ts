import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { thumbnail } from '#core/page';
import { temporaryFolder } from '../../util/workspace.ts';

const red = { r: 200, g: 30, b: 30 };

function plain(width: number, height: number) {
  return sharp({ create: { width, height, channels: 3, background: red } });
}

async function pictureIn(result: Awaited<ReturnType<typeof thumbnail>>) {
  if ('reason' in result) throw new Error(result.reason);
  const [head, base64 = ''] = result.uri.split(',');
  expect(head).toBe('data:image/jpeg;base64');
  const { data, info } = await sharp(Buffer.from(base64, 'base64'))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([result.width, result.height]);
  return { size: [info.width, info.height], first: [...data.subarray(0, 3)] };
}

describe('A thumbnail', () => {
  it('is a small JPEG with the picture’s proportions, from a path, bytes or pixels', async () => {
    await using folder = await temporaryFolder();
    const bytes = await plain(400, 100).png().toBuffer();
    const path = join(folder.path, 'wide.png');
    await writeFile(path, bytes);
    const pixels = { pixels: await plain(400, 100).raw().toBuffer(), height: 100, width: 400 };
    for (const source of [path, bytes, pixels]) {
      const { size, first } = await pictureIn(await thumbnail(source, { size: 80 }));
      expect(size).toEqual([80, 20]);
      for (const [i, level] of [200, 30, 30].entries()) {
        expect(Math.abs((first[i] as number) - level)).toBeLessThan(6);
      }
    }
  });

  it('does not enlarge, and is at least a pixel high and wide', async () => {
    const small = await pictureIn(await thumbnail(await plain(17, 30).png().toBuffer()));
    expect(small.size).toEqual([17, 30]);
    const line = await pictureIn(await thumbnail(await plain(3000, 1).png().toBuffer()));
    expect(line.size).toEqual([96, 1]);
  });

  it('is upright', async () => {
    const turned = await plain(200, 100).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect((await pictureIn(await thumbnail(turned, { size: 50 }))).size).toEqual([25, 50]);
  });

  it('gives the reason where a file cannot be read', async () => {
    const whole = await plain(300, 300).png().toBuffer();
    const reasons = [
      [new Uint8Array(0), 'the file is empty'],
      [Buffer.from('text'), 'its content is not an image format that is read here'],
      [whole.subarray(0, 120), 'it is damaged, cut off, or of an unusual kind'],
      ['/no/such.png', 'it cannot be read (ENOENT'],
    ] as const;
    for (const [source, reason] of reasons) {
      const result = await thumbnail(source);
      expect('reason' in result && result.reason).toContain(reason);
    }
  });

  it('stops when it is aborted', async () => {
    const reason = new Error('enough');
    const making = thumbnail('/no/such.png', { signal: AbortSignal.abort(reason) });
    await expect(making).rejects.toBe(reason);
  });
});
