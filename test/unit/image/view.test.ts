import { describe, expect, it } from 'vitest';
import { applyView, drawView, viewId } from '#core/image';

const augment = { flip: true, widthShift: 0.2, heightShift: 0.1 };
const hash = 'ab'.repeat(32);
const other = 'cd'.repeat(32);

describe('The numbers of a view', () => {
  it('depend on seed, content and view, and on nothing else', () => {
    const first = drawView({ seed: 1, hash, view: 1, augment });
    expect(drawView({ seed: 1, hash, view: 1, augment })).toEqual(first);
    expect(drawView({ seed: 2, hash, view: 1, augment })).not.toEqual(first);
    expect(drawView({ seed: 1, hash: other, view: 1, augment })).not.toEqual(first);
    expect(drawView({ seed: 1, hash, view: 2, augment })).not.toEqual(first);
  });

  it('shift nothing where no shift is given, and draw the same flips', () => {
    for (let view = 1; view <= 20; view++) {
      const { flip } = drawView({ seed: 1, hash, view, augment });
      const drawn = drawView({ seed: 1, hash, view, augment: { flip: true } });
      expect(drawn).toEqual({ flip, shiftX: 0, shiftY: 0 });
    }
  });

  it('mirror about half of the views and shift them evenly within the range', () => {
    const views = Array.from({ length: 2000 }, (_, i) =>
      drawView({ seed: 3, hash, view: i + 1, augment }),
    );
    const flips = views.filter(({ flip }) => flip).length;
    expect(flips).toBeGreaterThan(900);
    expect(flips).toBeLessThan(1100);
    for (const [numbers, range] of [
      [views.map(({ shiftX }) => shiftX), 0.2],
      [views.map(({ shiftY }) => shiftY), 0.1],
    ] as const) {
      expect(Math.max(...numbers)).toBeLessThanOrEqual(range);
      expect(Math.min(...numbers)).toBeGreaterThanOrEqual(-range);
      expect(Math.max(...numbers)).toBeGreaterThan(range * 0.98);
      expect(Math.min(...numbers)).toBeLessThan(-range * 0.98);
      expect(Math.abs(numbers.reduce((a, b) => a + b, 0) / numbers.length)).toBeLessThan(
        range * 0.05,
      );
    }
  });

  it('turn, scale and light views evenly within their ranges, and only where asked to', () => {
    const plain = drawView({ seed: 3, hash, view: 1, augment });
    expect(Object.keys(plain)).toEqual(['flip', 'shiftX', 'shiftY']);
    const more = { ...augment, rotation: 30, zoom: 0.25, brightness: 0.5 };
    const views = Array.from({ length: 1000 }, (_, i) =>
      drawView({ seed: 3, hash, view: i + 1, augment: more }),
    );
    expect(views[0]).toMatchObject(plain);
    for (const [name, low, high] of [
      ['rotation', -30, 30],
      ['zoomX', 0.75, 1.25],
      ['zoomY', 0.75, 1.25],
      ['brightness', 0.5, 1.5],
    ] as const) {
      const numbers = views.map((view) => view[name] as number);
      const range = high - low;
      expect(Math.min(...numbers), name).toBeGreaterThanOrEqual(low);
      expect(Math.min(...numbers), name).toBeLessThan(low + range * 0.01);
      expect(Math.max(...numbers), name).toBeLessThanOrEqual(high);
      expect(Math.max(...numbers), name).toBeGreaterThan(high - range * 0.01);
    }
    expect(new Set(views.map(({ zoomX, zoomY }) => zoomX === zoomY))).toEqual(new Set([false]));
  });

  it('leave the others as they are when one kind of change is turned off', () => {
    const all = drawView({ seed: 5, hash, view: 4, augment });
    const still = drawView({ seed: 5, hash, view: 4, augment: { ...augment, heightShift: 0 } });
    expect(still).toEqual({ ...all, shiftY: 0 });
    expect(drawView({ seed: 5, hash, view: 4, augment: { ...augment, flip: false } }).flip).toBe(
      false,
    );
  });
});

describe('The identity of a view', () => {
  it('is that of the plain image where nothing changes', () => {
    expect(viewId(undefined)).toBe('plain');
    expect(viewId({ flip: false, shiftX: 0, shiftY: -0 })).toBe('plain');
  });

  it('tells different numbers apart', () => {
    const still = { flip: false, shiftX: 0, shiftY: 0 };
    const views = [
      { ...still, rotation: 5 },
      { ...still, zoomX: 1.1, zoomY: 1 },
      { ...still, zoomX: 1, zoomY: 1.1 },
      { ...still, brightness: 1.1 },
      { flip: true, shiftX: 0, shiftY: 0 },
      { flip: false, shiftX: 0.1, shiftY: 0 },
      { flip: false, shiftX: 0, shiftY: 0.1 },
      { flip: false, shiftX: 0.1 + 2 ** -53, shiftY: 0 },
    ];
    expect(new Set(views.map(viewId)).size).toBe(views.length);
  });

  it('does not tell zero from negative zero', () => {
    expect(viewId({ flip: true, shiftX: -0, shiftY: 0 })).toBe(
      viewId({ flip: true, shiftX: 0, shiftY: 0 }),
    );
  });
});

describe('Applying a view', () => {
  const size = { height: 2, width: 3 };
  const pixels = Uint8Array.from({ length: 18 }, (_, i) => i * 10);

  it('gives an array of its own, also where nothing changes', () => {
    const output = applyView(pixels, size, { flip: false, shiftX: 0, shiftY: 0 });
    expect(output).toEqual(pixels);
    expect(output.buffer).not.toBe(pixels.buffer);
  });

  it('mirrors left to right', () => {
    const output = applyView(pixels, size, { flip: true, shiftX: 0, shiftY: 0 });
    expect([...output.subarray(0, 9)]).toEqual([60, 70, 80, 30, 40, 50, 0, 10, 20]);
    expect(applyView(output, size, { flip: true, shiftX: 0, shiftY: 0 })).toEqual(pixels);
  });

  it('fills with the nearest pixel beyond the edges', () => {
    const output = applyView(pixels, size, { flip: false, shiftX: 2 / 3, shiftY: 0 });
    expect([...output.subarray(0, 9)]).toEqual([60, 70, 80, 60, 70, 80, 60, 70, 80]);
  });
});
