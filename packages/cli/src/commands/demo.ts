import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { demoOptions, plural } from '@headstart/core/options';
import type { Command } from 'commander';
import { documentOf } from '../documents.ts';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  addOptions,
  type CommonOptions,
  type DeviceOptions,
  type FlagValues,
} from '../options.ts';
import { type CommandContext, noticesTo, type Runner } from '../runner.ts';
import { percent, table } from '../table.ts';
import { epochLine, exceptTraining } from './epoch-line.ts';

type DemoOptions = CommonOptions & DeviceOptions & FlagValues<typeof demoOptions>;

/** Few enough to be done in two minutes on two cores, enough to learn from. */
const imagesPerClass = { train: 80, validation: 30 };
const viewsPerImage = 2;
const heldOutPerClass = 1;

export function addDemoCommand(program: Command, runner: Runner): void {
  const command = program
    .command('demo')
    .description('draw pictures of traffic lights, train on them, and label held-out ones');
  addOptions(command, demoOptions);
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(runner(demo));
}

async function demo(context: CommandContext, options: DemoOptions) {
  const { ui, signal } = context;
  const { generateTrafficLights, train } = await import('@headstart/core');
  const folder = resolve(options.out);
  const pictures = join(folder, 'traffic-lights');
  await generateTrafficLights({
    folder: pictures,
    trainPerClass: imagesPerClass.train,
    validationPerClass: imagesPerClass.validation,
    heldOutPerClass,
    seed: 0,
    signal,
    onProgress: ui.onProgress,
  });
  ui.info(`Pictures of traffic lights: ${pictures}`);
  const summary = await train({
    ...options,
    data: pictures,
    out: join(folder, 'run'),
    overwrite: true,
    backbone: options.backbone ?? 'vgg16',
    views: viewsPerImage,
    // A small sample makes the curve uneven.
    earlyStopping: { patience: 6 },
    augment: { flip: true, widthShift: 0.2, heightShift: 0.2 },
    untrainedWhereMissing: options.backbone === undefined,
    signal,
    onProgress: exceptTraining(ui.onProgress),
    onNotice: noticesTo(ui),
    onEpoch: (record, epochs) => ui.info(epochLine(record, epochs)),
  });
  const predictions = await predictHeldOut(context, pictures, summary.run, options);
  const [low, high] = summary.validation.interval;
  const text = [
    `Validation accuracy ${percent(summary.validation.accuracy)} (95 % interval ${percent(low)} to ${percent(high)})`,
    '',
    `${plural(predictions.length, 'held-out picture')}:`,
    table(
      ['file', 'label', 'probability'],
      predictions.map((p) => [p.file, p.label, percent(p.probability)]),
    ),
    '',
    `Run: ${summary.run}`,
    ...(summary.untrained ? [untrainedNote] : []),
    'Next: headstart train FOLDER, with one folder of your images per class.',
  ].join('\n');
  const folds = { folds: null, foldsLeftOut: '--no-folds was given' };
  ui.result(documentOf({ ...summary, ...folds, predictions }), text);
  return exitCode.done;
}

const untrainedNote =
  'These features come from an UNTRAINED VGG16 (random weights), good enough for drawn traffic lights and little else. For real images: headstart pull.';

async function predictHeldOut(
  { ui, signal }: CommandContext,
  pictures: string,
  run: string,
  options: DemoOptions,
) {
  const { loadClassifier } = await import('@headstart/core');
  const heldOut = join(pictures, 'held-out');
  const files = (await readdir(heldOut)).filter((name) => !name.startsWith('.')).sort();
  await using classifier = await loadClassifier(run, { ...options, signal });
  const predictions = [];
  const paths = files.map((name) => join(heldOut, name));
  for await (const item of classifier.classify(paths, { signal })) {
    if ('error' in item) ui.warn(`warning: ${item.name}: ${item.error}`);
    else predictions.push({ file: item.name, label: item.label, probability: item.probability });
  }
  return predictions;
}
