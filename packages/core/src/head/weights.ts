import type { Tensor } from '@headstart/native';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from '../base/safetensors.ts';
import type { ParameterShape } from './spec.ts';

/** Trainable tensors by Keras's name, in Keras's layouts: `conv2d/kernel` is HWIO, `dense/kernel` in x out. */
export type HeadWeights = Readonly<Record<string, Tensor>>;

/** The bytes of a float32 tensor, ready to write. */
export function tensorBytes({ shape, data }: Tensor): TensorToWrite {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: 'F32', shape, data: bytes };
}

/**
 * Writes weights as safetensors, whole or not at all; `metadata` goes into the file's header.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`
 */
export async function writeHeadWeights(
  path: string,
  weights: HeadWeights,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tensors = Object.entries(weights).map(([name, t]) => [name, tensorBytes(t)] as const);
  await writeSafetensors(path, Object.fromEntries(tensors), {
    format: 'headstart-head-1',
    ...metadata,
  });
}

/**
 * Reads head weights from any safetensors file whose tensors are float32.
 *
 * @throws HeadstartError `WEIGHTS_INVALID` naming the file and, where it is one, the tensor
 */
export async function readHeadWeights(path: string): Promise<HeadWeights> {
  try {
    await using file = await SafetensorsFile.open(path);
    const weights: Record<string, Tensor> = {};
    for (const [name, { dtype, shape, begin, end }] of file.header.tensors) {
      if (dtype !== 'F32') {
        throw new HeadstartError(
          'WEIGHTS_INVALID',
          `Tensor ${name} in ${path} is ${dtype}: save head weights as float32 (F32).`,
        );
      }
      const bytes = await file.read(begin, end);
      weights[name] = { shape, data: new Float32Array(bytes.buffer, bytes.byteOffset) };
    }
    return weights;
  } catch (error) {
    if (error instanceof HeadstartError && error.code === 'WEIGHTS_INVALID') throw error;
    throw new HeadstartError('WEIGHTS_INVALID', reasonOf(error), { cause: error });
  }
}

/**
 * Checks that weights are exactly a head's parameters, of the right shapes and, unless `diverged`,
 * finite.
 *
 * @param source where they are from, for the message
 * @throws HeadstartError `WEIGHTS_INVALID` naming the tensor
 */
export function checkHeadWeights(
  weights: HeadWeights,
  parameters: readonly ParameterShape[],
  source: string,
  { diverged = false }: { readonly diverged?: boolean } = {},
): void {
  for (const { name, shape } of parameters) {
    const tensor = weights[name];
    if (!tensor) {
      throw invalid(source, `have no tensor ${name}; they have ${listed(Object.keys(weights))}`);
    }
    if (tensor.shape.join() !== shape.join()) {
      throw invalid(
        source,
        `have ${name} of shape [${tensor.shape.join(', ')}], but this head needs ` +
          `[${shape.join(', ')}]: the head, the backbone or the number of classes is another`,
      );
    }
    if (!diverged && !tensor.data.every(Number.isFinite)) {
      throw invalid(source, `have a value in ${name} that is not a finite number`);
    }
  }
  const known = new Set(parameters.map((p) => p.name));
  const extra = Object.keys(weights).filter((name) => !known.has(name));
  if (extra.length > 0) {
    throw invalid(source, `have tensors that this head does not: ${listed(extra)}`);
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown || 'none';
}

function invalid(source: string, what: string): HeadstartError {
  return new HeadstartError('WEIGHTS_INVALID', `The weights of ${source} ${what}.`);
}
