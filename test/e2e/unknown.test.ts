import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliIn } from '../util/place.ts';
import { outputErrors } from '../util/schemas.ts';
import { formOf, servedClasses, serveRun, trainColours } from '../util/served.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';

let place: TemporaryFolder;
const run = 'runs/colours';
const cli = (...args: string[]) => cliIn(place, args);
const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await cli(...args, '--json');
  expect(code, stderr).toBe(0);
  expect(outputErrors(args, stdout)).toEqual([]);
  return JSON.parse(stdout);
};

beforeAll(async () => {
  place = await temporaryFolder();
  await trainColours(place.path);
  // Some labels are wrong, so that some answers are.
  const { path } = place;
  await cp(join(path, 'data'), join(path, 'mixed'), { recursive: true });
  for (const [i, name] of servedClasses.entries()) {
    const other = servedClasses[(i + 1) % 3] as string;
    for (const file of (await readdir(join(path, 'data', name))).slice(0, 2)) {
      await cp(join(path, 'data', name, file), join(path, 'mixed', other, file));
    }
  }
  await mkdir(join(path, 'reports'));
});
afterAll(() => place[Symbol.asyncDispose]());

interface Row {
  readonly file: string;
  readonly label: string;
  readonly probability: number;
}

describe('An image that may be none of the classes', () => {
  it('is measured by evaluate, whose document is else the same', async () => {
    const plain = await json('evaluate', run, 'mixed');
    expect(plain).not.toHaveProperty('selective');
    const rows: Row[] = await json('predict', run, 'mixed');
    const half = rows.map(({ probability }) => probability).sort()[21] as number;
    const threshold = Math.round(half * 1e4) / 1e4;
    const args = ['evaluate', run, 'mixed', '--threshold', `${threshold}`];
    const { selective, ...rest } = await json(...args);
    expect(rest).toEqual(plain);
    const answered = rows.filter(({ probability }) => probability >= threshold);
    const wrong = answered.filter(({ file, label }) => !file.startsWith(`mixed/${label}/`));
    expect(answered.length).toBeGreaterThan(10);
    expect(answered.length).toBeLessThan(35);
    expect(selective).toMatchObject({ threshold, answered: answered.length });
    expect(selective.error * answered.length).toBeCloseTo(wrong.length, 9);
    expect(selective.curve.at(-1)).toMatchObject({
      coverage: 1,
      error: expect.closeTo(1 - plain.metrics.accuracy, 9),
    });
  });

  it('has a threshold that keeps the error asked for, which predict takes', async () => {
    const { selective } = await json('evaluate', run, 'mixed', '--max-error', '0.13');
    const { threshold, answered, error } = selective;
    expect(error).toBeLessThanOrEqual(0.13);
    expect(answered).toBeGreaterThan(0);
    const rows: Row[] = await json('predict', run, 'mixed', '--threshold', `${threshold}`);
    expect(rows.filter(({ label }) => label !== 'unknown')).toHaveLength(answered);
    const text = await cli('evaluate', run, 'mixed', '--max-error', '0.13');
    expect(text.stdout).toContain(`predict --threshold ${threshold} answers ${answered} image`);
  });

  it('is in the report, where it was asked for', async () => {
    const args = ['evaluate', run, 'mixed', '--report', 'reports/r.html'];
    await json(...args, '--threshold', '0.5');
    const report = () => readFile(join(place.path, 'reports/r.html'), 'utf8');
    expect(await report()).toContain('Risk–coverage curve');
    expect(await report()).toMatch(/Where images with a probability below 0\.5 are called unknown/);
    await json(...args);
    expect(await report()).not.toContain('overage');
  });

  it('says where no threshold is good enough, and refuses two ways of choosing one', async () => {
    const none = await cli('evaluate', run, 'mixed', '--max-error', '0');
    expect(none.code).toBe(0);
    const both = ['--max-error', '0.1', '--threshold', '0.5'];
    const refused = await cli('evaluate', run, 'mixed', ...both);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('error: Give either --threshold or --max-error.');
    expect((await cli('evaluate', run, 'mixed', '--threshold', '2')).code).toBe(2);
  });

  it('is answered with unknown by a server, with what it would be', async () => {
    const file = join(place.path, 'data/red/red-001.png');
    const images = [{ name: 'red.png', bytes: await readFile(file) }];
    const ask = async (options: { readonly threshold?: number }) => {
      await using server = await serveRun(join(place.path, run), options);
      const answer = await fetch(`${server.url}/predict`, { method: 'POST', body: formOf(images) });
      const { predictions } = (await answer.json()) as { predictions: Row[] };
      return predictions[0];
    };
    expect(await ask({})).toMatchObject({ label: 'red' });
    expect(await ask({ threshold: 1 })).toMatchObject({
      label: 'unknown',
      top: [{ label: 'red' }, {}, {}],
    });
  });
});
