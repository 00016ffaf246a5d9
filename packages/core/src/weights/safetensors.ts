import { HeadstartError, reasonOf } from '../base/errors.ts';
import { SafetensorsFile } from '../base/safetensors.ts';
import {
  checkFinite,
  checkShape,
  float32Of,
  type Vgg16Weights,
  vgg16Convolutions,
} from '../onnx/index.ts';

/** Places of the convolutions in torchvision's `features`. */
const featureIndices = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];

/** Whether a tensor of torchvision's or timm's VGG16 belongs to a convolution. */
export function isConvolution(name: string): boolean {
  return /^features\.\d+\.(weight|bias)$/.test(name);
}

/**
 * Reads the convolutions of torchvision's or timm's VGG16 (`features.N.weight`, OIHW float32); the
 * dense layers are not read.
 *
 * @throws HeadstartError `WEIGHTS_INVALID` naming the tensor that is missing or wrong
 */
export async function readSafetensorsWeights(path: string): Promise<Vgg16Weights> {
  await using file = await SafetensorsFile.open(path).catch((error: unknown) => {
    throw new HeadstartError('WEIGHTS_INVALID', reasonOf(error), { cause: error });
  });
  const read = async (name: string, shape: readonly number[]) => {
    const entry = file.header.tensors.get(name);
    if (!entry) {
      throw new HeadstartError(
        'WEIGHTS_INVALID',
        `${path} has no tensor ${name}: it is not VGG16 as torchvision and timm name it.`,
      );
    }
    if (entry.dtype !== 'F32') {
      throw new HeadstartError(
        'WEIGHTS_INVALID',
        `${path} holds ${name} as ${entry.dtype}: give a file with float32 weights.`,
      );
    }
    checkShape(path, name, entry.shape, shape);
    const values = float32Of(await file.read(entry.begin, entry.end));
    checkFinite(path, name, values);
    return values;
  };
  const convolutions = [];
  for (const [i, { inputs, outputs }] of vgg16Convolutions.entries()) {
    const prefix = `features.${featureIndices[i]}`;
    convolutions.push({
      kernel: await read(`${prefix}.weight`, [outputs, inputs, 3, 3]),
      bias: await read(`${prefix}.bias`, [outputs]),
    });
  }
  return { convolutions, preprocessing: 'torch', format: 'torchvision' };
}
