import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomically } from '../atomic-file.ts';
import { HeadstartError } from '../errors.ts';
import { adaptModel, isCanonical } from './adapt.ts';
import { describeFile, readBackbone } from './describe-file.ts';
import type { BackboneFile, LocateOptions } from './file.ts';
import { describeModel } from './inspect.ts';
import { withPreprocessing } from './onnx.ts';
import { decodeModel } from './onnx-model.ts';
import type { InputPreprocessing } from './preprocessing.ts';
import { buildUntrained } from './untrained.ts';

/** The file that `pull` writes. */
export function vgg16Path(modelsDir: string): string {
  return join(modelsDir, 'vgg16.onnx');
}

/**
 * Finds a backbone and gives a file in the form of our own (`image` uint8 NHWC in, `features` NHWC
 * out, preprocessing inside):
 * - `vgg16`, as `pull` wrote it;
 * - `vgg16-untrained`, built where it is not there yet (a few seconds);
 * - any ONNX file that fits; one of another form is adapted into `modelsDir`, once.
 *
 * @throws HeadstartError `WEIGHTS_MISSING`, `BACKBONE_UNSUITABLE`, `USAGE`, `OUTPUT_UNWRITABLE`
 */
export async function locateBackbone(spec: string, options: LocateOptions): Promise<BackboneFile> {
  switch (spec) {
    case 'vgg16':
      return locateVgg16(options);
    case 'vgg16-untrained':
      return locateUntrained(options);
    default:
      return locateFile(spec, options);
  }
}

async function locateVgg16({ modelsDir, preprocessing }: LocateOptions): Promise<BackboneFile> {
  const path = vgg16Path(modelsDir);
  if (!(await exists(path))) {
    throw new HeadstartError(
      'WEIGHTS_MISSING',
      `The weights of VGG16 are not in ${modelsDir}: fetch them with \`headstart pull\`, or give --backbone vgg16-untrained or FILE.onnx.`,
    );
  }
  const file = await describeFile(path);
  if (preprocessing === undefined || preprocessing === file.preprocessing) return file;
  const variant = withPreprocessing(await readFile(path), path, preprocessing);
  return writeOnce(join(modelsDir, `vgg16-${preprocessing}.onnx`), variant);
}

async function locateUntrained(options: LocateOptions): Promise<BackboneFile> {
  const preprocessing: InputPreprocessing = options.preprocessing ?? 'torch';
  const suffix = preprocessing === 'torch' ? '' : `-${preprocessing}`;
  const path = join(options.modelsDir, `vgg16-untrained${suffix}.onnx`);
  if (await exists(path)) return describeFile(path);
  return buildUntrained(path, preprocessing, options);
}

async function locateFile(path: string, options: LocateOptions): Promise<BackboneFile> {
  const { modelsDir, preprocessing } = options;
  const bytes = await readBackbone(path);
  const model = decodeModel(bytes, path);
  const description = describeModel(model, path);
  const name = basename(path).replace(/\.onnx$/i, '');
  if (description.input.dtype === 'uint8' && preprocessing !== undefined) {
    const own = description.metadata['headstart.format'] !== undefined;
    if (preprocessing !== description.preprocessing && !own) {
      throw new HeadstartError(
        'USAGE',
        `${path} takes uint8 pixels and has its preprocessing inside: leave out --preprocess.`,
      );
    }
    if (own && preprocessing !== description.preprocessing) {
      const variant = withPreprocessing(bytes, path, preprocessing);
      return writeOnce(adaptedPath(modelsDir, name, bytes, preprocessing), variant, name);
    }
  }
  if (isCanonical(description)) return describeFile(path, name);
  const adapted = adaptModel(model, path, preprocessing);
  return writeOnce(adaptedPath(modelsDir, name, bytes, preprocessing), adapted, name);
}

function adaptedPath(
  modelsDir: string,
  name: string,
  bytes: Uint8Array,
  preprocessing: InputPreprocessing | undefined,
): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return join(modelsDir, 'adapted', `${name}-${digest}-${preprocessing ?? 'own'}.onnx`);
}

/** Writes a derived file where it is not there, or is another one. */
async function writeOnce(path: string, bytes: Uint8Array, name?: string): Promise<BackboneFile> {
  const present = await readFile(path).catch(() => undefined);
  if (!present?.equals(bytes)) await writeFileAtomically(path, bytes);
  return describeFile(path, name);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
