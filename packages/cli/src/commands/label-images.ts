import { HeadstartError, type ImageInput, loadClassifier } from '@headstart/core';
import { plural } from '@headstart/core/options';
import { errorDocument } from '../documents.ts';
import { exitCode } from '../exit-codes.ts';
import { failureOf } from '../failure.ts';
import { expandInputs } from '../inputs.ts';
import {
  createPredictionWriter,
  type PredictionFormat,
  type PredictionWriter,
} from '../prediction-writer.ts';
import { type CommandContext, noticesTo } from '../runner.ts';

import { checkFolder, newImagesIn } from '../watch.ts';
import { announceDevice } from './announce-device.ts';
import { type PredictOptions, unknownWarning } from './predict-options.ts';

/** Rows of a table that wait for each other, so that its columns fit. */
const rowsTogether = 200;

/** Labels what the arguments name, as it is read. */
export async function predict(
  context: CommandContext,
  run: string,
  inputs: readonly string[],
  options: PredictOptions,
) {
  const { ui, signal } = context;
  const format = chosenFormat(inputs, options);
  if (options.watch !== undefined) await checkFolder(options.watch);
  await using classifier = await loadClassifier(run, {
    device: options.device,
    requireGpu: options.requireGpu,
    threads: options.threads,
    signal,
  });
  announceDevice(classifier, noticesTo(ui));
  const { classes } = classifier;
  const layout = {
    classes,
    topk: Math.min(options.topk, classes.length),
    all: options.probabilities === 'all',
    mayBeUnknown: options.threshold !== undefined,
    rowsTogether: options.watch === undefined ? rowsTogether : 1,
  };
  const warning = unknownWarning(classes, options.threshold);
  if (warning !== undefined) ui.warn(warning);
  const writer = createPredictionWriter(format, layout, ui.write);
  const counts = { done: 0, unreadable: 0 };
  // A list or a folder that goes on must not keep a program that has ended.
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  try {
    const source = imagesOf({ ui, signal: until }, inputs, options);
    const topK = layout.all ? classes.length : layout.topk;
    for await (const item of classifier.classify(source, { ...options, topK, signal })) {
      counts.done += 1;
      if ('error' in item) counts.unreadable += 1;
      await writer.add(item);
      if (format === 'table') {
        ui.onProgress({ stage: 'predicting', done: counts.done, unit: 'images' });
      }
    }
  } catch (error) {
    return await endEarly(context, writer, error, counts.done);
  } finally {
    over.abort();
  }
  ui.finish();
  await writer.end();
  return outcome(context, counts, options.strict === true);
}

function chosenFormat(
  inputs: readonly string[],
  { format, json, watch }: PredictOptions,
): PredictionFormat {
  if (inputs.length === 0 && watch === undefined) {
    throw new HeadstartError(
      'USAGE',
      'Name what to label: files, folders, globs, URLs, - for a list on stdin, or --watch FOLDER.',
    );
  }
  if (json && format !== undefined && format !== 'json') {
    throw new HeadstartError(
      'USAGE',
      `--json prints one JSON document: leave it out for --format ${format}.`,
    );
  }
  return format ?? (json ? 'json' : 'table');
}

/** What is named, and then what comes into the watched folder. */
async function* imagesOf(
  { ui, signal }: CommandContext,
  inputs: readonly string[],
  options: PredictOptions,
): AsyncGenerator<ImageInput> {
  const named = expandInputs(inputs, { signal, separator: options.null ? '\0' : '\n' });
  const folder = options.watch;
  if (folder === undefined) return yield* named;
  let ready = () => {};
  const watching = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const news = newImagesIn(folder, signal, ready);
  // Begun first, so that nothing comes unseen while the named images are labelled.
  let next = news.next();
  next.catch(() => {});
  await Promise.race([watching, next]);
  ui.info(`Watching ${folder}: images are labelled as they come. Ctrl-C ends.`);
  yield* named;
  for (;;) {
    const { done, value } = await next;
    if (done) return;
    next = news.next();
    next.catch(() => {});
    yield value;
  }
}

async function endEarly(
  { ui, signal }: CommandContext,
  writer: PredictionWriter,
  error: unknown,
  done: number,
) {
  const { exitCode, text, document } = failureOf(error, signal);
  const interrupted = `Interrupted after ${plural(done, 'image')}.`;
  ui.finish();
  await writer.end(signal.aborted ? errorDocument('INTERRUPTED', interrupted) : document);
  ui.warn(signal.aborted ? interrupted : text);
  return exitCode;
}

function outcome(
  { ui }: CommandContext,
  { done, unreadable }: { readonly done: number; readonly unreadable: number },
  strict: boolean,
) {
  if (done === 0) ui.warn('warning: the list was empty: there was nothing to label.');
  if (unreadable === 0) return exitCode.done;
  const none = unreadable === done;
  const which = none ? 'none of the' : `${unreadable} of`;
  const text = `${which} ${plural(done, 'input')} could ${none ? '' : 'not '}be read.`;
  ui.warn(`${strict || none ? 'error' : 'warning'}: ${text}`);
  if (strict) return exitCode.filesSkipped;
  return none ? exitCode.failed : exitCode.done;
}
