import { basename, extname, join, resolve } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';
import type { LongOperationOptions, NoticeListener } from '../base/operation.ts';
import { mapOrdered } from '../base/ordered-map.ts';
import { checkOptions, explainOptions, type OptionsOf } from '../options/index.ts';
import { type Explained, type Explainer, type Explanation, loadExplainer } from './explain.ts';
import type { LoadClassifierOptions } from './load.ts';
import type { ImageInput } from './read-input.ts';

export interface ExplainImagesOptions
  extends LongOperationOptions,
    LoadClassifierOptions,
    OptionsOf<typeof explainOptions> {
  /** Run folder. */
  readonly run: string;
  readonly images: AsyncIterable<ImageInput> | Iterable<ImageInput>;
  readonly onNotice?: NoticeListener | undefined;
}

export type ExplainItem =
  | (Explanation & {
      /** The picture that was written. */
      readonly out: string;
    })
  | { readonly name: string; readonly error: string };

/** Images in inference, being decoded, or drawn and waiting to be written. */
const explainedAhead = 4;

/**
 * Writes a picture for each image that shows where the run sees a class: `photo.jpg` becomes
 * `photo-heat.png`. An image that cannot be read gives an item with `error`.
 *
 * @throws HeadstartError `RUN_INVALID`, `USAGE`, `OUTPUT_UNWRITABLE`, `GPU_REQUIRED`
 * @example
 * ```ts
 * for await (const item of explainImages({ run: 'runs/fruit', images: ['photo.jpg'] })) {
 *   console.log(item.name);
 * }
 * ```
 */
export async function* explainImages(
  options: ExplainImagesOptions,
): AsyncGenerator<ExplainItem, void, undefined> {
  checkOptions(explainOptions, options);
  const { images, signal, onProgress } = options;
  await using explainer = await loadExplainer(options.run, options);
  announce(explainer, options.onNotice);
  const place = outputPlace(options.out);
  let done = 0;
  const explain = (image: ImageInput) => explainOne(explainer, image, options);
  for await (const explained of mapOrdered(images, explainedAhead, explain, { signal })) {
    // In order, so that the same images get the same names.
    yield 'overlay' in explained ? await write(explained, place) : explained;
    onProgress?.({ stage: 'explaining', done: ++done, unit: 'images' });
  }
}

async function explainOne(
  explainer: Explainer,
  image: ImageInput,
  { class: wanted, alpha, signal }: ExplainImagesOptions,
): Promise<Explained | Extract<ExplainItem, { error: string }>> {
  try {
    return await explainer.explain(image, { class: wanted, alpha, signal });
  } catch (error) {
    if (!(error instanceof HeadstartError) || error.code !== 'IMAGE_UNREADABLE') throw error;
    const name = typeof image === 'string' ? image : image.name;
    return { name, error: error.message };
  }
}

async function write(
  { overlay, ...explanation }: Explained,
  place: (image: string) => Promise<string>,
): Promise<ExplainItem> {
  const out = await place(explanation.name);
  await writeFileAtomically(out, overlay);
  return { ...explanation, out };
}

function announce({ backbone }: Explainer, onNotice: NoticeListener | undefined): void {
  onNotice?.({ level: 'info', text: `Backbone ${backbone.name} on ${backbone.device}` });
  if (backbone.notice) onNotice?.({ level: 'info', text: backbone.notice });
  if (!backbone.untrained) return;
  onNotice?.({ level: 'warning', text: 'this run was trained on UNTRAINED features.' });
}

/** Where the picture of an image goes; images of the same name are told apart by a number. */
function outputPlace(out: string | undefined): (image: string) => Promise<string> {
  const taken = new Set<string>();
  if (out?.toLowerCase().endsWith('.png')) {
    return async () => {
      if (taken.size > 0) {
        throw new HeadstartError(
          'USAGE',
          `\`out\` ${out} is one file, but there are several images: give a folder.`,
          { option: 'out' },
        );
      }
      taken.add(out);
      return resolve(out);
    };
  }
  const folder = resolve(out ?? '.');
  return async (image) => {
    if (taken.size === 0) await makeFolder(folder, out);
    const stem = `${basename(image, extname(image))}-heat`;
    let name = stem;
    for (let i = 2; taken.has(name); i++) name = `${stem}-${i}`;
    taken.add(name);
    return join(folder, `${name}.png`);
  };
}

async function makeFolder(folder: string, out: string | undefined): Promise<void> {
  try {
    await makeFolders(folder);
  } catch (error) {
    throw new HeadstartError(
      'OUTPUT_UNWRITABLE',
      `Cannot make the folder ${out ?? folder}: ${reasonOf(error)}. Choose another with \`out\`.`,
      { cause: error, option: 'out' },
    );
  }
}
