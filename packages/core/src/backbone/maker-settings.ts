import { basename, dirname, join } from 'node:path';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import { readRegularText } from '../base/regular-file.ts';
import { imageProcessorSettings, isImageProcessor } from './image-processor.ts';
import type { FoundSettings, Json, Refuse } from './maker-json.ts';
import { isTimmConfig, timmSettings } from './timm-config.ts';

export interface MakerSettings extends FoundSettings {
  /** The file that says it. */
  readonly path: string;
}

/** Hugging Face's image processors, and timm. */
const fileNames = ['preprocessor_config.json', 'config.json'] as const;

/**
 * What a preprocessor_config.json of Hugging Face's or a config.json of timm's says.
 *
 * @throws HeadstartError `USAGE` where it cannot be read, or says what cannot be done here
 */
export async function readMakerSettings(path: string): Promise<MakerSettings> {
  const found = settingsIn(await readJson(path), path);
  if (found) return found;
  throw refusal(path)('is neither a preprocessor_config.json nor a config.json of timm’s');
}

/**
 * The same of a file beside a model, or above the folder `onnx`, as repositories have it.
 *
 * @returns undefined where there is none that speaks of images
 */
export async function makerSettingsBeside(model: string): Promise<MakerSettings | undefined> {
  const folder = dirname(model);
  const folders = basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder];
  for (const path of folders.flatMap((one) => fileNames.map((name) => join(one, name)))) {
    const json = await readJson(path).catch((error: unknown) => {
      if (error instanceof HeadstartError && systemCode(error.cause) === 'ENOENT') return undefined;
      throw error;
    });
    const found = json && settingsIn(json, path);
    if (found) return found;
  }
  return undefined;
}

function settingsIn(json: Json, path: string): MakerSettings | undefined {
  const refuse = refusal(path);
  if (isImageProcessor(json)) return { ...imageProcessorSettings(json, refuse), path };
  if (isTimmConfig(json)) return { ...timmSettings(json, refuse), path };
  return undefined;
}

async function readJson(path: string): Promise<Json> {
  let text: string;
  try {
    text = await readRegularText(path);
  } catch (error) {
    throw new HeadstartError('USAGE', `Cannot read ${path}: ${reasonOf(error)}.`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refusal(path)(`is not JSON (${reasonOf(error)})`);
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json;
  throw refusal(path)('is not an object of JSON');
}

function refusal(path: string): Refuse {
  return (why) =>
    new HeadstartError(
      'USAGE',
      `${path} ${why}: give \`preprocess\`, or \`mean\` and \`std\`, with \`resize\` and \`fit\`.`,
      { option: 'preprocess' },
    );
}
