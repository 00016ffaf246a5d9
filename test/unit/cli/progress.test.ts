import { describe, expect, it } from 'vitest';
import {
  createProgressDisplay,
  duration,
  fittingLine,
  progressLine,
} from '../../../packages/cli/dist/progress.js';

/** Collects what is drawn, with a clock that is set by hand. */
function recorder(isTTY: boolean) {
  let [text, time] = ['', 0];
  const stream = { isTTY, columns: 80, write: (more: string) => (text += more) };
  const display = createProgressDisplay(stream, () => time);
  return {
    display,
    text: () => text,
    at: (seconds: number) => {
      time = seconds * 1000;
    },
  };
}

describe('a progress line', () => {
  it('says the share, the rate and the time left', () => {
    const line = progressLine(
      { stage: 'features', done: 30, total: 120, unit: 'images', reused: 10 },
      10,
      0,
    );
    expect(line).toBe('features  30/120 images  10 cached  10.0 images/s  9.0 s left');
  });

  it('counts bytes in megabytes', () => {
    const line = progressLine({ stage: 'download', done: 5e6, total: 2e7, unit: 'bytes' }, 1e6, 0);
    expect(line).toBe('download  5.0 MB of 20.0 MB  1.0 MB/s  15 s left');
  });

  it.each([60, 80, 120])('fits %d columns, whatever it says', (columns) => {
    const progress = {
      stage: 'measuring for int8',
      done: 123456,
      total: 7654321,
      unit: 'pictures',
    };
    for (const reused of [undefined, 7654321]) {
      for (const bar of [0, 24]) {
        const line = fittingLine({ ...progress, reused }, 0.0123, { bar, columns });
        expect(line.length).toBeLessThanOrEqual(columns);
        expect(line).toContain('123456/7654321 pictures'.slice(0, columns - 20));
      }
    }
  });

  it('counts one as one', () => {
    expect(progressLine({ stage: 'convert', done: 0, total: 1, unit: 'files' }, undefined, 0)).toBe(
      'convert  0/1 file',
    );
  });

  it('says long times in minutes and hours', () => {
    expect(duration(59.4)).toBe('59 s');
    expect(duration(200)).toBe('3 min 20 s');
    expect(duration(7500)).toBe('2 h 5 min');
  });
});

describe('the progress display', () => {
  it('writes plain lines off a terminal, seldom, and the last one', () => {
    const { display, text, at } = recorder(false);
    for (let i = 1; i <= 100; i++) {
      at(i / 10);
      display.update({ stage: 'features', done: i, total: 100, unit: 'images' });
    }
    const lines = text().trim().split('\n');
    expect(lines.length).toBeLessThanOrEqual(3);
    expect(lines.at(-1)).toContain('100/100 images');
    expect(text()).not.toContain('\r');
  });

  it('redraws one line on a terminal', () => {
    const { display, text, at } = recorder(true);
    for (let i = 1; i <= 10; i++) {
      at(i);
      display.update({ stage: 'features', done: i, total: 10, unit: 'images' });
    }
    expect(text().split('\n')).toHaveLength(2);
    expect(text()).toContain('█');
  });

  it('counts only work that cost something in the rate', () => {
    const { display, text, at } = recorder(false);
    display.update({ stage: 'features', done: 90, total: 100, unit: 'images', reused: 90 });
    at(10);
    display.update({ stage: 'features', done: 100, total: 100, unit: 'images', reused: 90 });
    expect(text()).toContain('1.00 images/s');
  });
});
