import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '#core/image';
import { runCli } from '../util/cli.ts';
import { cliIn } from '../util/place.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

const classes = ['blue', 'green', 'red'];
const runFolderFiles = [
  'confusion.csv',
  'confusion.svg',
  'curves.svg',
  'folds.json',
  'head.safetensors',
  'history.csv',
  'labels.txt',
  'metrics.json',
  'model.onnx',
  'predictions.csv',
  'reliability.svg',
  'report.html',
  'run.json',
  'skipped.csv',
];

let place: TemporaryFolder;
let run: string;

/** Every command of this file works in one place, as a user's would. */
const cli = (...args: string[]) => cliIn(place, args);

async function trainJson(...args: string[]) {
  const result = await cli('train', 'data', '--backbone', tinyBackbone, '--json', ...args);
  expect(result.stderr).not.toContain('error:');
  expect(result.code).toBe(0);
  return JSON.parse(result.stdout);
}

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), classes, 25);
  await writeFile(join(place.path, 'data/red/broken.jpg'), 'this is no picture');
  // Asked for, so that a slow machine does not leave them out.
  run = (await trainJson('--epochs', '8', '--folds', '5')).run;
});

afterAll(() => place[Symbol.asyncDispose]());

describe('train', () => {
  it('leaves a complete run folder', async () => {
    expect((await readdir(run)).sort()).toEqual(runFolderFiles);
    expect((await readFile(join(run, 'labels.txt'), 'utf8')).trim().split('\n')).toEqual(classes);
    expect(await readFile(join(run, 'skipped.csv'), 'utf8')).toContain('broken.jpg');
    expect(await readFile(join(run, 'history.csv'), 'utf8')).toMatch(
      /^epoch,loss,accuracy,val_loss,val_accuracy,seconds\n1,/,
    );
  });

  it('shows the surest mistakes in its report, with heat maps', async () => {
    const report = await readFile(join(run, 'report.html'), 'utf8');
    const predictions = await readFile(join(run, 'predictions.csv'), 'utf8');
    const mistakes = predictions.split('\n').filter((line) => /,false(,|$)/.test(line)).length;
    const pictures = report.match(/<img src="data:image\/jpeg;base64,/g) ?? [];
    expect(pictures).toHaveLength(3 * Math.min(18, mistakes));
    if (mistakes === 0) expect(report).toContain('every validation sample is classified correctly');
  });

  it('prints the summary that scripts read', async () => {
    const summary = await trainJson('--epochs', '3', '--out', 'summary');
    expect(summary).toMatchObject({
      classes,
      untrained: false,
      validation: {
        accuracy: expect.any(Number),
        interval: [expect.any(Number), expect.any(Number)],
      },
      timing: {
        features_s: expect.any(Number),
        train_s: expect.any(Number),
        per_epoch_s: expect.any(Number),
      },
    });
    expect(summary.epochs).toBeLessThanOrEqual(3);
    expect(summary.skipped).toHaveLength(1);
  });

  it('computes no feature the second time and says so', async () => {
    const args = ['train', 'data', '--backbone', tinyBackbone, '--epochs', '8', '--out', 'second'];
    const { code, stderr } = await cli(...args);
    expect(code).toBe(0);
    expect(stderr).toMatch(/Features: 0 computed, \d+ from the cache/);
  });

  it('gives the same weights for the same seed, whatever the number of threads', async () => {
    await trainJson('--epochs', '3', '--out', 'one', '--threads', '1');
    await trainJson('--epochs', '3', '--out', 'two', '--threads', '2');
    const [one, two] = await Promise.all(
      ['one', 'two'].map((name) => readFile(join(place.path, name, 'head.safetensors'))),
    );
    expect(one!.equals(two!)).toBe(true);
  });

  it('finds the classes when it has learnt', async () => {
    const { validation } = await trainJson('--epochs', '30', '--no-augment', '--out', 'learnt');
    expect(validation.accuracy).toBeGreaterThanOrEqual(0.9);
  });

  it('takes an optimizer and a schedule, which the run remembers', async () => {
    const optimizer = ['--optimizer', 'sgd', '--momentum', '0.9', '--nesterov'];
    const schedule = ['--lr-schedule', 'cosine', '--warmup-epochs', '1', '--learning-rate', '0.01'];
    const args = ['train', 'data', '--backbone', tinyBackbone, '--epochs', '3', '--out', 'sgd'];
    const { code, stderr } = await cli(...args, ...optimizer, ...schedule);
    expect(code).toBe(0);
    const rates = [...stderr.matchAll(/learning_rate: ([\d.e-]+)/g)].map(([, x]) => Number(x));
    expect(rates).toHaveLength(3);
    expect(rates[0]).toBeLessThanOrEqual(0.01);
    expect(rates[2]).toBeLessThan(rates[1] as number);
    const record = JSON.parse(await readFile(join(place.path, 'sgd', 'run.json'), 'utf8'));
    expect(record.arguments).toMatchObject({
      optimizer: 'sgd',
      momentum: 0.9,
      nesterov: true,
      lrSchedule: 'cosine',
      warmupEpochs: 1,
    });
  });

  it('exits with 4 below the accuracy that is asked for', async () => {
    const args = ['train', 'data', '--backbone', tinyBackbone, '--epochs', '1', '--out', 'low'];
    const worst = ['--learning-rate', '1e-12', '--assert-accuracy-at-least', '0.99'];
    const { code, stderr } = await cli(...args, ...worst);
    expect(code).toBe(4);
    expect(stderr).toContain('--assert-accuracy-at-least');
  });

  it('exits with 3 under --strict where files were skipped', async () => {
    const args = ['train', 'data', '--backbone', tinyBackbone, '--epochs', '1', '--out', 'strict'];
    const { code, stderr } = await cli(...args, '--strict');
    expect(code).toBe(3);
    expect(stderr).toContain('--strict');
  });

  it('follows the original script under --keras-script', async () => {
    const summary = await trainJson('--keras-script', '--epochs', '4', '--out', 'script');
    const { arguments: recorded, result } = JSON.parse(
      await readFile(join(summary.run, 'run.json'), 'utf8'),
    );
    expect(recorded).toMatchObject({
      resize: 'nearest',
      stepsPerEpoch: 10,
      validationSteps: 1,
      restoreBest: false,
      views: 'exact',
    });
    expect(result.keptEpoch).toBe(result.epochs);
  });

  it('goes on after Ctrl-C and ends where an undisturbed run ends', async () => {
    const args = ['train', 'data', '--backbone', tinyBackbone, '--epochs', '40'];
    const steady = [...args, '--no-early-stopping', '--steps-per-epoch', '40'];
    const env = {
      HEADSTART_CACHE_DIR: join(place.path, 'cache'),
      HEADSTART_MODELS_DIR: join(place.path, 'models'),
    };
    const stopped = await runCli([...steady, '--out', 'stopped'], {
      cwd: place.path,
      env,
      interruptWhen: (stderr) => stderr.includes('Epoch 3/40'),
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('Interrupted');
    const resumed = await cli(...steady, '--out', 'stopped');
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toContain('Resuming the interrupted run');
    expect(resumed.stderr).not.toContain('Epoch 1/40');
    const undisturbed = await cli(...steady, '--out', 'undisturbed');
    expect(undisturbed.code).toBe(0);
    const [a, b] = await Promise.all(
      ['stopped', 'undisturbed'].map((name) =>
        readFile(join(place.path, name, 'head.safetensors')),
      ),
    );
    expect(a!.equals(b!)).toBe(true);
  });
});

describe('predict', () => {
  it('labels files, folders and a list on stdin, in order', async () => {
    const { code, stdout } = await cli(
      'predict',
      run,
      'data/red/red-001.png',
      'data/blue',
      '--format',
      'jsonl',
      '--topk',
      '2',
    );
    expect(code).toBe(0);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(26);
    expect(rows[0].file).toBe('data/red/red-001.png');
    expect(rows[1].file).toBe('data/blue/blue-000.png');
    expect(rows[0].top).toHaveLength(2);
    expect(rows[0].probability).toBeGreaterThan(1 / 3);
    const listed = await runCli(['predict', run, '-', '--format', 'csv'], {
      cwd: place.path,
      stdin: 'data/green/green-002.png\ndata/red/red-002.png\n',
    });
    const lines = listed.stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^file,label_1,probability_1/);
    expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual([
      'data/green/green-002.png',
      'data/red/red-002.png',
    ]);
  });

  it('names what it cannot read in its row, and exits with 3 under --strict', async () => {
    const files = ['data/red/broken.jpg', 'data/red/red-001.png', 'missing.png'];
    const relaxed = await cli('predict', run, ...files, '--format', 'json');
    expect(relaxed.code).toBe(0);
    const rows = JSON.parse(relaxed.stdout);
    expect(rows.map((row: { error?: string }) => row.error !== undefined)).toEqual([
      true,
      false,
      true,
    ]);
    expect((await cli('predict', run, ...files, '--strict')).code).toBe(3);
  });

  it('works with a run that was moved, without cache and backbone', async () => {
    await using elsewhere = await temporaryFolder();
    const moved = join(elsewhere.path, 'moved');
    await cp(run, moved, { recursive: true });
    const picture = join(place.path, 'data/green/green-003.png');
    const { code, stdout } = await runCli(['predict', moved, picture, '--json'], {
      cwd: elsewhere.path,
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(1);
  });
});

describe('calibration', () => {
  it('is the same wherever probabilities come from', async () => {
    const { calibration } = JSON.parse(await readFile(join(run, 'run.json'), 'utf8'));
    expect(calibration.temperature).not.toBe(1);
    const [file, , , probability] = (await readFile(join(run, 'predictions.csv'), 'utf8'))
      .split('\n')[1]!
      .split(',');
    const [predicted] = JSON.parse((await cli('predict', run, `data/${file}`, '--json')).stdout);
    expect(predicted.probability).toBeCloseTo(Number(probability), 3);
  });

  it('can be left out', async () => {
    const summary = await trainJson('--no-calibrate', '--epochs', '2', '--out', 'plain');
    expect(summary.calibration).toBeNull();
    const record = JSON.parse(await readFile(join(place.path, 'plain/run.json'), 'utf8'));
    expect(record).not.toHaveProperty('calibration');
    const { metrics } = JSON.parse((await cli('evaluate', 'plain', 'data', '--json')).stdout);
    expect(metrics.temperature).toBe(1);
    expect(metrics.uncalibrated.logLoss).toBe(metrics.logLoss);
  });
});

describe('explain', () => {
  const picture = (name: string) => `data/${name}/${name}-004.png`;

  it('writes a picture for each image, and says in JSON where the heat is', async () => {
    const files = [picture('red'), 'nothing.png', picture('blue')];
    const { code, stdout } = await cli('explain', run, ...files, '--out', 'heat', '--json');
    expect(code).toBe(0);
    const { images } = JSON.parse(stdout);
    expect(images.map(({ file }: { file: string }) => file)).toEqual(files);
    expect(images[1].error).toContain('nothing.png');
    const out = join(place.path, 'heat', 'red-004-heat.png');
    expect(images[0].out).toBe(out);
    const drawn = await sharp(out).metadata();
    expect([drawn.format, drawn.width, drawn.height]).toEqual(['png', 40, 40]);
    const map: number[][] = images[0].map;
    expect(map.map((row) => row.length)).toEqual(Array(8).fill(8));
    const values = map.flat();
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBe(1);
  });

  it('explains the class that is asked for, into the file that is named', async () => {
    const args = ['--class', 'green', '--out', 'one.png'];
    const { code, stdout } = await cli('explain', run, picture('red'), ...args);
    expect(code).toBe(0);
    expect(stdout).toContain('green (predicted: red)');
    expect((await sharp(join(place.path, 'one.png')).metadata()).format).toBe('png');
  });

  it('shows what it has done where it is interrupted', async () => {
    const args = ['explain', run, '-', '--out', 'part', '--json'];
    const { code, stdout, stderr } = await runCli(args, {
      cwd: place.path,
      stdin: `${picture('red')}\n`,
      stdinStaysOpen: true,
      interruptWhen: () => existsSync(join(place.path, 'part/red-004-heat.png')),
    });
    expect([code, stderr]).toEqual([130, expect.stringContaining('Interrupted after 1 image.')]);
    const { images } = JSON.parse(stdout);
    expect(images).toMatchObject([{ file: picture('red') }, { error: { code: 'INTERRUPTED' } }]);
  });

  it('names pictures in the order of the images', async () => {
    const files = ['red', 'green', 'blue'].map((name) => `data/${name}/${name}-004.png`);
    const inputs = [...files, ...files];
    const { stdout } = await cli('explain', run, ...inputs, '--out', 'order', '--json');
    const outs = JSON.parse(stdout).images.map(({ out }: { out: string }) => basename(out));
    const names = ['red', 'green', 'blue'].map((name) => `${name}-004-heat`);
    expect(outs).toEqual([...names, ...names.map((name) => `${name}-2`)].map((n) => `${n}.png`));
  });

  it('refuses what cannot be meant', async () => {
    const unknown = await cli('explain', run, picture('red'), '--class', 'violet');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('"violet"')]);
    const two = await cli('explain', run, picture('red'), picture('blue'), '--out', 'one.png');
    expect([two.code, two.stderr]).toEqual([2, expect.stringContaining('give a folder')]);
    expect((await cli('explain', run, 'nothing.png')).code).toBe(1);
    expect((await cli('explain', run, 'nothing.png', picture('red'), '--strict')).code).toBe(3);
  });
});

describe('export', () => {
  it('writes a model that plain onnxruntime runs to the same probabilities', async () => {
    const { code } = await cli('export', run, '--out', 'exported.onnx');
    expect(code).toBe(0);
    const session = await InferenceSession.create(join(place.path, 'exported.onnx'));
    expect(session.inputNames).toEqual(['image']);
    expect(session.outputNames).toEqual(['probabilities', 'label']);
    const files = classes.map((name) => `data/${name}/${name}-004.png`);
    const predicted = JSON.parse(
      (await cli('predict', run, ...files, '--json', '--topk', '3')).stdout,
    );
    for (const [i, file] of files.entries()) {
      const bytes = await readFile(join(place.path, file));
      const pixels = await decodeImage(bytes, { width: 32, height: 32 }, file);
      const image = new Tensor('uint8', pixels, [1, 32, 32, 3]);
      const output = await session.run({ image });
      const probabilities = output.probabilities!.data as Float32Array;
      const row = predicted[i];
      expect(output.label!.data[0]).toBe(row.label);
      for (const { label, probability } of row.top) {
        expect(probabilities[classes.indexOf(label)]).toBeCloseTo(probability, 4);
      }
    }
    await session.release();
  });
});

describe('evaluate', () => {
  it('measures a labelled folder, with and without the backbone at hand', async () => {
    const cached = await cli('evaluate', run, 'data', '--json');
    expect(cached.code).toBe(0);
    const { metrics } = JSON.parse(cached.stdout);
    expect(metrics.samples).toBe(75);
    expect(metrics.classes.map((c: { name: string }) => c.name)).toEqual(classes);
    const record = JSON.parse(await readFile(join(run, 'run.json'), 'utf8'));
    const away = join(place.path, 'away');
    await cp(run, away, { recursive: true });
    record.options.backbone = 'gone.onnx';
    await writeFile(join(away, 'run.json'), JSON.stringify(record));
    const alone = await cli('evaluate', away, 'data', '--json');
    expect(alone.code).toBe(0);
    const { metrics: again } = JSON.parse(alone.stdout);
    expect(again.accuracy).toBeCloseTo(metrics.accuracy, 1);
    expect(again.temperature).toBe(record.calibration.temperature);
    for (const figure of ['logLoss', 'brierScore']) {
      expect(again[figure]).toBeCloseTo(metrics[figure], 2);
      expect(again.uncalibrated[figure]).toBeCloseTo(metrics.uncalibrated[figure], 2);
    }
  });
});

describe('the report of an evaluation', () => {
  it('is written for a folder, with pictures, and for a feature file, without', async () => {
    const labels = join(place.path, 'wrong');
    await mkdir(labels);
    // Everything is under a wrong name: there are mistakes to show.
    for (const [k, name] of classes.entries()) {
      await cp(join(place.path, 'data', name), join(labels, classes[(k + 1) % 3] as string), {
        recursive: true,
      });
    }
    const { code, stderr } = await cli('evaluate', run, 'wrong', '--report', 'reports/one.html');
    expect([code, stderr]).toEqual([0, expect.stringContaining('Report: reports/one.html')]);
    const report = await readFile(join(place.path, 'reports/one.html'), 'utf8');
    expect(report).toContain('on wrong: ');
    expect(report.match(/<img src="data:image\/jpeg;base64,/g)).toHaveLength(3 * 18);
    expect(report.match(/<svg /g)).toHaveLength(2);
    const unwritable = await cli('evaluate', run, 'wrong', '--report', 'run.json/x.html');
    expect(unwritable.code).toBe(unwritable.stderr.includes('error:') ? 1 : 0);
  });
});

describe('features', () => {
  it('writes feature files that train takes instead of images', async () => {
    const made = await cli(
      'features',
      'data',
      '--backbone',
      tinyBackbone,
      '--out',
      'f.safetensors',
      '--json',
    );
    expect(made.code).toBe(0);
    const { files, skipped } = JSON.parse(made.stdout);
    expect(files).toHaveLength(2);
    expect(skipped).toHaveLength(1);
    const trained = await cli(
      'train',
      '--features',
      'f.safetensors',
      '--val-features',
      'f.validation.safetensors',
      '--epochs',
      '3',
      '--out',
      'from-files',
      '--json',
    );
    expect(trained.stderr).not.toContain('error:');
    expect(trained.code).toBe(0);
    const evaluated = await cli('evaluate', 'from-files', 'f.validation.safetensors', '--json');
    expect(evaluated.code).toBe(0);
    expect(JSON.parse(evaluated.stdout).metrics.accuracy).toBeCloseTo(
      JSON.parse(trained.stdout).validation.accuracy,
      6,
    );
  });
});

describe('check', () => {
  it('says what is there and what is wrong with it', async () => {
    await mkdir(join(place.path, 'doubtful'), { recursive: true });
    await writePictures(join(place.path, 'doubtful'), ['a', 'b'], 4);
    const original = join(place.path, 'doubtful/a/a-000.png');
    await cp(original, join(place.path, 'doubtful/b/copy.png'));
    await writeFile(join(place.path, 'doubtful/b/empty.jpg'), '');
    await rename(
      join(place.path, 'doubtful/a/a-001.png'),
      join(place.path, 'doubtful/a/a-001.jpg'),
    );
    const { code, stdout } = await cli('check', 'doubtful');
    expect(code).toBe(0);
    for (const named of ['empty.jpg', 'copy.png', 'a-001.jpg']) expect(stdout).toContain(named);
    expect(JSON.parse((await cli('check', 'doubtful', '--json')).stdout)).toBeTypeOf('object');
    await rm(join(place.path, 'doubtful'), { recursive: true });
  });
});
