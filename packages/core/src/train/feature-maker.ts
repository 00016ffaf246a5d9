import {
  Backbone,
  type BackboneDigest,
  type BackboneInfo,
  findByDigest,
  locateWithDigest,
} from '../backbone/index.ts';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import {
  backboneChoice,
  type ExtractorOptions,
  type FeatureFileDescription,
} from '../features/index.ts';
import type { Fit, ResizeMethod } from '../image/index.ts';

/** What makes features of images: with it, a run labels images. */
export interface FeatureMaker {
  readonly backbone: BackboneInfo;
  readonly resize: ResizeMethod;
  readonly fit: Fit;
}

/**
 * The backbone that made the features of a file, by the digest that the file has of it: the one that is named
 * as `backbone`, or one in the folder of models. Undefined where the file names none, or it is not here.
 *
 * @param path the feature file, for messages
 * @throws HeadstartError `USAGE` where `backbone` is another one than made the features
 */
export async function findFeatureMaker(
  path: string,
  { backbone: made, resize = 'bilinear', fit = 'stretch' }: FeatureFileDescription,
  options: ExtractorOptions,
): Promise<FeatureMaker | undefined> {
  const { backbone: spec } = options;
  const wanted = digestIn(made);
  if (!wanted) {
    if (spec === undefined) return undefined;
    throw new HeadstartError(
      'USAGE',
      `${path} has no digest of the backbone that made its features, which \`backbone\` could be compared with: leave out \`backbone\`, and give it to \`exportModel()\`.`,
      { option: 'backbone' },
    );
  }
  const file = await fileOf(path, wanted, options);
  if (!file) {
    options.onNotice?.({
      level: 'info',
      text: `The backbone of ${path}, ${wanted.name}, is not among the models here: the run will not label images. Name its file with \`backbone\`, if it is elsewhere.`,
    });
    return undefined;
  }
  await using backbone = await Backbone.openLazily(file, { device: 'cpu', signal: options.signal });
  return { backbone: backbone.info, resize, fit };
}

async function fileOf(path: string, wanted: BackboneDigest, options: ExtractorOptions) {
  const { backbone: spec, signal } = options;
  const modelsDir = options.modelsDir ?? defaultDirectories().modelsDir;
  if (spec === undefined) return findByDigest(wanted, modelsDir);
  const file = await locateWithDigest(spec, wanted, {
    modelsDir,
    ...backboneChoice(options),
    signal,
  });
  if (file) return file;
  throw new HeadstartError(
    'USAGE',
    `${spec}, given as \`backbone\`, did not make the features of ${path}: that was ${wanted.name} with the SHA-256 ${wanted.sha256}. Name that file, with the options that the features were computed with.`,
    { option: 'backbone' },
  );
}

/** As feature files name a backbone: its name and its digest. */
function digestIn(text: string | undefined): BackboneDigest | undefined {
  const [, name, sha256] = /^(.+) ([0-9a-f]{64})$/s.exec(text ?? '') ?? [];
  return name === undefined || sha256 === undefined ? undefined : { name, sha256 };
}
