import { execFileSync } from 'node:child_process';
import { type PixelView, renderViews, renderViewsNow } from '@headstart/native';
import { describe, expect, it } from 'vitest';

const size = { height: 37, width: 53 };
const pixels = Uint8Array.from(
  { length: size.height * size.width * 3 },
  (_, i) => (Math.imul(i, 2654435761) >>> 24) % 256,
);

const turned = (degrees: number) => {
  const angle = (degrees * Math.PI) / 180;
  return { cosine: Math.cos(angle), sine: Math.sin(angle) };
};

const views: readonly PixelView[] = [
  {},
  { flip: true },
  { shiftX: 3.25, shiftY: -7.1 },
  { flip: true, shiftX: -60, shiftY: 0.5 },
  { zoomX: 0.83, zoomY: 1.17, shiftX: 1.4 },
  { flip: true, zoomX: 1.09, brightness: 1.7 },
  { brightness: 0.31 },
  { turn: turned(17), shiftX: 2.2, zoomY: 0.9, brightness: 1.1 },
  { turn: turned(-141), flip: true },
];

/** The rule of a view, pixel by pixel, in double precision. */
function reference(view: PixelView): Uint8Array {
  const { height, width } = size;
  const { flip, shiftX = 0, shiftY = 0, turn, zoomX = 1, zoomY = 1, brightness = 1 } = view;
  const output = new Uint8ClampedArray(pixels.length);
  const within = (position: number, last: number) => Math.min(Math.max(position, 0), last);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
      const along = (i: number, centre: number, zoom: number, shift: number) =>
        zoom === 1 ? i + shift : centre + zoom * (i - centre) + shift;
      let [fromX, fromY] = [along(x, cx, zoomX, shiftX), along(y, cy, zoomY, shiftY)];
      if (turn) {
        const [u, v] = [zoomX * (x - cx) + shiftX, zoomY * (y - cy) + shiftY];
        fromX = cx + turn.cosine * u - turn.sine * v;
        fromY = cy + turn.sine * u + turn.cosine * v;
      }
      [fromX, fromY] = [within(fromX, width - 1), within(fromY, height - 1)];
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
      const [shareX, shareY] = [fromX - left, fromY - top];
      const mix = (a: number, b: number, share: number) => a + share * (b - a);
      for (let c = 0; c < 3; c++) {
        const at = (row: number, column: number) =>
          pixels[(row * width + column) * 3 + c] as number;
        // Rows first, but where the image is turned: the order of roundings is a part of the rule.
        const level = turn
          ? mix(
              mix(at(top, left), at(top, right), shareX),
              mix(at(bottom, left), at(bottom, right), shareX),
              shareY,
            )
          : mix(
              mix(at(top, left), at(bottom, left), shareY),
              mix(at(top, right), at(bottom, right), shareY),
              shareX,
            );
        const to = (y * width + (flip ? width - 1 - x : x)) * 3 + c;
        output[to] = Math.floor(level * brightness + 0.5);
      }
    }
  }
  return new Uint8Array(output.buffer);
}

describe('Views of an image', () => {
  for (const view of views) {
    it(`are those of the rule, to the bit: ${JSON.stringify(view)}`, () => {
      const target = new Uint8Array(pixels.length);
      renderViewsNow({ pixels, source: size, ...size, views: [view], target });
      expect(target).toEqual(reference(view));
    });
  }

  it('of a resampled picture stand one after another, in shared memory too', async () => {
    const small = { height: 16, width: 24 };
    const bytes = 16 * 24 * 3;
    const one = new Uint8Array(bytes);
    await renderViews({ pixels, source: size, ...small, target: one });
    const all = new Uint8Array(new SharedArrayBuffer(views.length * bytes));
    await renderViews({ pixels, source: size, ...small, views, target: all });
    for (const [i, view] of views.entries()) {
      const target = new Uint8Array(bytes);
      renderViewsNow({ pixels: one, source: small, ...small, views: [view], target });
      expect(all.slice(i * bytes, (i + 1) * bytes)).toEqual(target);
    }
  });

  it.each(['bilinear', 'bicubic', 'lanczos'] as const)(
    'of a part that reaches beyond them are what is within, by %s',
    (filter) => {
      const scaled = { height: 29, width: 64 };
      const whole = new Uint8Array(scaled.height * scaled.width * 3);
      renderViewsNow({ pixels, source: size, filter, ...scaled, target: whole });
      const view = { height: 24, width: 20 };
      for (const [top, left] of [
        [-2, -22],
        [0, -44],
        [-5, 0],
        [7, -50],
        [-20, 13],
      ] as const) {
        const target = new Uint8Array(view.height * view.width * 3).fill(1);
        const placed = { top, left, ...scaled };
        renderViewsNow({ pixels, source: size, filter, placed, ...view, target });
        const expected = Uint8Array.from(target, (_, i) => {
          const [y, x] = [
            Math.floor(i / 3 / view.width) - top,
            (Math.floor(i / 3) % view.width) - left,
          ];
          const inside = y >= 0 && x >= 0 && y < scaled.height && x < scaled.width;
          return inside ? (whole[(y * scaled.width + x) * 3 + (i % 3)] as number) : 0;
        });
        expect(target, `${top} ${left}`).toEqual(expected);
      }
    },
  );

  it.each([
    { top: 24, left: 0 },
    { top: 0, left: -64 },
    { top: 0.5, left: 0 },
  ])('are refused where no part of them is in the image: %j', (place) => {
    const view = { height: 24, width: 20 };
    const placed = { ...place, height: 29, width: 64 };
    const target = new Uint8Array(view.height * view.width * 3);
    expect(() => renderViewsNow({ pixels, source: size, placed, ...view, target })).toThrow(
      'placed',
    );
  });

  it('are the same with every instruction set', () => {
    const digests = ['portable', 'avx2', 'avx512'].map((set) => {
      const script = `
        import { createHash } from 'node:crypto';
        import { renderViewsNow } from '@headstart/native';
        const pixels = Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => (i * i * 31) % 251);
        const hash = createHash('sha256');
        for (const filter of ['bilinear', 'bicubic', 'lanczos']) {
          const target = new Uint8Array(2 * 41 * 113 * 3);
          const views = [{}, { flip: true, shiftX: 3.3, zoomY: 0.9, brightness: 1.2 }];
          const source = { height: 90, width: 70 };
          renderViewsNow({ pixels, source, filter, height: 41, width: 113, views, target });
          hash.update(target);
        }
        console.log(hash.digest('hex'));`;
      try {
        const env = { ...process.env, HEADSTART_CPU: set };
        const options = { encoding: 'utf8', env, stdio: 'pipe' } as const;
        return execFileSync(
          process.execPath,
          ['--input-type=module', '--eval', script],
          options,
        ).trim();
      } catch (error) {
        if (`${(error as { stderr?: string }).stderr}`.includes('does not run')) return undefined;
        throw error;
      }
    });
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
    for (const digest of digests) if (digest) expect(digest).toBe(digests[0]);
  });

  it('refuse boxes and arrays that do not fit, before anything is read', () => {
    const target = new Uint8Array(3);
    const one = { pixels, source: size, height: 1, width: 1, target };
    expect(() => renderViewsNow({ ...one, target: new Uint8Array(2) })).toThrow('3 bytes');
    expect(() => renderViewsNow({ ...one, source: { height: 38, width: 53 } })).toThrow('bytes');
    const part = { top: 1, left: 0, height: 37, width: 53 };
    expect(() => renderViewsNow({ ...one, part })).toThrow('part');
    const views = [{ shiftX: Number.NaN }];
    expect(() => renderViewsNow({ ...one, views })).toThrow('finite');
  });
});
