import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LongOperationOptions } from '../base/operation.ts';
import { decodeModel, halfModel } from '../onnx/index.ts';
import { describeFile } from './describe-file.ts';
import { type BackboneFile, shownName } from './file.ts';
import { writeChecked } from './write-checked.ts';

export interface HalfOptions extends Pick<LongOperationOptions, 'signal'> {
  readonly modelsDir: string;
}

/** Where the float16 form of a backbone is kept: one for each file. */
export function halfPath(file: BackboneFile, modelsDir: string): string {
  return join(modelsDir, 'fp16', `${file.name}-${file.sha256.slice(0, 16)}.onnx`);
}

/**
 * The backbone in float16, made once and kept.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE`, `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function halfBackbone(
  file: BackboneFile,
  { modelsDir, signal }: HalfOptions,
): Promise<BackboneFile> {
  const path = halfPath(file, modelsDir);
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (there) return describeFile(path, file);
  const model = decodeModel(await readFile(file.path), shownName(file));
  await writeChecked(path, halfModel(model, shownName(file), { halved_from: file.sha256 }), signal);
  return describeFile(path, file);
}
