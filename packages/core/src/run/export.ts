import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { locateBackbone, writeChecked } from '../backbone/index.ts';
import { checkWritable, writeFileAtomically } from '../base/atomic-file.ts';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError, systemCode } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { readRegularText } from '../base/regular-file.ts';
import { software } from '../base/version.ts';
import { appendHead, decodeModel, describeModel, withMetadata } from '../onnx/index.ts';
import {
  checkOptions,
  exportOptions,
  type folderOptions,
  type OptionsOf,
  type threadsOption,
} from '../options/index.ts';
import { digestOf } from '../weights/index.ts';
import { type Agreement, agreementOf, inInt8, sampleImages } from './export-int8.ts';
import { isModelCard, modelCard } from './model-card.ts';
import { type Run, readRun, readRunMetrics, readRunWeights } from './read.ts';
import { runFiles } from './record.ts';
import { labelsText } from './write.ts';

export interface ExportModelOptions
  extends LongOperationOptions,
    OptionsOf<
      typeof exportOptions & typeof threadsOption & Pick<typeof folderOptions, 'modelsDir'>
    > {
  /** Run folder. */
  readonly run: string;
}

/** What `export --json` prints. */
export interface ExportResult {
  /** The model. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** README.md, where the export is a folder. */
  readonly card: string | null;
  readonly classes: readonly string[];
  /** Height and width of the images that the model takes; null where the run does not record them. */
  readonly image: { readonly height: number; readonly width: number } | null;
  /** `float32`, `float16` or `int8`. */
  readonly precision: string;
  /** Where int8 was made now: how its labels agree with those of the run's model. */
  readonly agreement?: Agreement | undefined;
}

/** The files of an exported folder. */
const exportedFiles = { model: 'model.onnx', card: 'README.md', labels: 'labels.txt' } as const;

/**
 * Writes one ONNX file that needs nothing else: uint8 [N, height, width, 3] RGB in, `probabilities`
 * [N, K] and `label` [N] out; preprocessing and temperature are in the graph, class names and how
 * pictures are brought to size in its metadata. To a folder, its model card and class names too.
 * Every file is there whole or not at all, the model only after it has run.
 *
 * @throws HeadstartError `RUN_INVALID`, `USAGE`, `OUTPUT_UNWRITABLE`, `BACKBONE_UNSUITABLE`;
 *   `signal.reason` where aborted
 * @example
 * ```ts
 * const { file } = await exportModel({ run: 'runs/fruit', out: 'fruit.onnx' });
 * ```
 */
export async function exportModel(options: ExportModelOptions): Promise<ExportResult> {
  checkOptions(exportOptions, options);
  const { signal } = options;
  const run = await readRun(options.run);
  const name = basename(resolve(options.run));
  const out = resolve(options.out ?? `${name}.onnx`);
  const folder = out.toLowerCase().endsWith('.onnx') ? undefined : out;
  const file = folder === undefined ? out : join(folder, exportedFiles.model);
  await refuseModelOfRun(file);
  if (folder !== undefined) await refuseForeignCard(folder);
  await checkWritable(file);
  const made = await modelOf(run, options);
  const bytes = withMetadata(made.bytes, options.run, metadataOf(run));
  await writeChecked(file, bytes, signal);
  const sha256 = await digestOf(file, 'sha256');
  const facts = { precision: made.precision, bytes: bytes.length, sha256 };
  if (folder !== undefined) await writeCard(folder, run, { ...options, name, facts });
  const agreement = made.images && (await agreementOf(run, file, made.images, options));
  return {
    file,
    ...facts,
    card: folder === undefined ? null : join(folder, exportedFiles.card),
    classes: run.record.classes,
    image: made.image,
    agreement,
  };
}

interface MadeModel {
  readonly bytes: Uint8Array;
  readonly precision: string;
  readonly image: ExportResult['image'];
  /** Those with which int8 was made. */
  readonly images?: readonly Uint8Array[];
}

async function modelOf(run: Run, options: ExportModelOptions): Promise<MadeModel> {
  const { precision: trained = 'float32' } = run.record.backbone ?? {};
  const { bytes, image } = await exactModel(run, options);
  if (options.precision === 'fp32' && trained !== 'float32') {
    throw new HeadstartError(
      'USAGE',
      `The run ${options.run} was trained in ${trained}: leave out \`precision\` fp32, or train it in fp32.`,
      { option: 'precision' },
    );
  }
  if (options.precision !== 'int8' || trained === 'int8') {
    return { bytes, image, precision: trained };
  }
  const images = await sampleImages(run, options);
  return { bytes: await inInt8(run, bytes, images, options), image, precision: 'int8', images };
}

/** The run's own model, or one that is put together of the backbone that is named. */
async function exactModel(
  run: Run,
  options: ExportModelOptions,
): Promise<Pick<MadeModel, 'bytes' | 'image'>> {
  const { image } = run.record;
  const { backbone, signal } = options;
  if (run.record.files[runFiles.model] && backbone === undefined) {
    const bytes = await readFile(join(options.run, runFiles.model));
    return { bytes, image: image ? { height: image.height, width: image.width } : null };
  }
  if (backbone === undefined) {
    throw new HeadstartError(
      'USAGE',
      `The run ${options.run} was trained on feature files and has no ${runFiles.model}: name the backbone that made them with \`backbone\`.`,
      { option: 'backbone' },
    );
  }
  const modelsDir = options.modelsDir ?? defaultDirectories().modelsDir;
  const found = await locateBackbone(backbone, { modelsDir, signal });
  const { head, classes, calibration } = run.record;
  const bytes = await appendHead(found.path, {
    layers: head.layers,
    weights: await readRunWeights(run),
    classes,
    temperature: calibration?.temperature,
    metadata: { head: head.name },
  });
  const model = decodeModel(await readFile(found.path), found.path);
  const { height, width } = describeModel(model, found.path).input;
  return { bytes, image: { height, width } };
}

/** What a program must know that runs the model; `labels` and `preprocessing` are there already. */
function metadataOf({ record }: Run): Record<string, string> {
  const { image, backbone, calibration } = record;
  return {
    'headstart.version': software.headstart,
    'headstart.trained': record.created,
    temperature: String(calibration?.temperature ?? 1),
    resize: image?.resize ?? 'bilinear',
    fit: image?.fit ?? 'stretch',
    ...(image ? { image_height: String(image.height), image_width: String(image.width) } : {}),
    ...(backbone?.untrained ? { untrained: 'true' } : {}),
  };
}

interface CardOptions extends Pick<ExportModelOptions, 'license'> {
  readonly name: string;
  readonly facts: Pick<ExportResult, 'precision' | 'bytes' | 'sha256'>;
}

async function writeCard(folder: string, run: Run, { name, license, facts }: CardOptions) {
  const metrics = await readRunMetrics(run);
  const card = await modelCard({ name, license, record: run.record, metrics, ...facts });
  await writeFileAtomically(join(folder, exportedFiles.labels), labelsText(run.record.classes));
  await writeFileAtomically(join(folder, exportedFiles.card), card);
}

/** A run with another model than it was written with is not a run any more. */
async function refuseModelOfRun(file: string): Promise<void> {
  if (basename(file).toLowerCase() !== runFiles.model) return;
  const found = await stat(join(dirname(file), runFiles.record)).catch(() => undefined);
  if (!found) return;
  throw new HeadstartError(
    'USAGE',
    `${file} is the model of a run, and would be replaced: give \`out\` another place.`,
    { option: 'out' },
  );
}

/** A README.md that somebody wrote is not replaced. */
async function refuseForeignCard(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found && !found.isDirectory()) {
    throw new HeadstartError('USAGE', `${folder} is a file: give \`out\` a folder or NAME.onnx.`, {
      option: 'out',
    });
  }
  const path = join(folder, exportedFiles.card);
  const text = await readRegularText(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    // A folder or a pipe of that name is not a card either.
    if (systemCode(error) === undefined) return '';
    throw error;
  });
  if (text === undefined || isModelCard(text)) return;
  throw new HeadstartError(
    'USAGE',
    `${path} is not a model card of Headstart’s, and would be replaced: give \`out\` another folder.`,
    { option: 'out' },
  );
}
