import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ResampleFilter, renderViews } from '@headstart/native';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sharedPath } from '../util/shared.ts';

interface Case {
  readonly height: number;
  readonly width: number;
  readonly filter: ResampleFilter;
  readonly sha256: string;
}

interface Picture {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/image/resample.json', import.meta.url), 'utf8'),
) as {
  readonly pillow: string;
  readonly pictures: readonly {
    readonly height: number;
    readonly width: number;
    readonly cases: readonly Case[];
  }[];
  readonly photographs: readonly {
    readonly path: string;
    readonly decoded: string;
    readonly cases: readonly Case[];
  }[];
};

/** As the script that makes the fixture draws it. */
function noise(height: number, width: number): Picture {
  let state = 1;
  const pixels = Uint8Array.from({ length: height * width * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  return { pixels, height, width };
}

async function expectPillows({ pixels, ...source }: Picture, cases: readonly Case[]) {
  for (const { height, width, filter, sha256 } of cases) {
    const target = new Uint8Array(height * width * 3);
    await renderViews({ pixels, source, filter, height, width, target });
    expect(hash('sha256', target), `${filter} to ${width}x${height}`).toBe(sha256);
  }
}

describe(`Resampling against Pillow ${fixture.pillow}`, () => {
  for (const { height, width, cases } of fixture.pictures) {
    it(`gives the same bits of noise of ${width}x${height}`, async () => {
      await expectPillows(noise(height, width), cases);
    });
  }

  const flowers = sharedPath('data/flowers');
  it.skipIf(!flowers)('gives the same bits of 20 photographs', async () => {
    expect(fixture.photographs.length).toBe(20);
    for (const { path, decoded, cases } of fixture.photographs) {
      const { data, info } = await sharp(`${flowers}/${path}`, { ignoreIcc: true })
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(hash('sha256', data), `${path} decoded`).toBe(decoded);
      await expectPillows({ pixels: data, height: info.height, width: info.width }, cases);
    }
  });
});
