import { binding } from './binding.ts';
import { callNative } from './errors.ts';
import { ImageStack, stackUnits } from './image-stack.ts';
import type { Int8StackLayer } from './native-module.ts';
import {
  invalidArgument,
  requireArray,
  requireBoolean,
  requireFloat32Array,
  requireInteger,
  requireNumber,
  requireObject,
} from './validate.ts';

export interface Int8StackOptions {
  /** Of images, in pixels. */
  readonly height: number;
  readonly width: number;
  /** The level that pixels beyond the edge have, 0 … 255. */
  readonly zeroPoint: number;
  /** The first has three inputs; a pool needs even sides. */
  readonly layers: readonly Int8StackLayer[];
  /** Results are (level − the last layer's zero point) · outputScale. */
  readonly outputScale: number;
  /** CPU threads, 1 … 256; by default as many as the process may use, at most 16. */
  readonly threads?: number | undefined;
}

/**
 * The processor's instruction set that sums products of bytes, for people; undefined where it has
 * none that is known here, so that 8 bits gain nothing in an {@link Int8Stack}.
 *
 * @throws NativeError `ADDON_MISSING`, `INVALID_ARGUMENT` (HEADSTART_CPU)
 */
export function int8Instructions(): string | undefined {
  return callNative(() => binding().int8Instructions());
}

/**
 * A chain of 3x3 convolutions and max pools over images in 8 bits, on the CPU. Sums are exact and
 * rounded as ONNX defines QLinearConv (B. Jacob et al., CVPR 2018): the same bits come on every
 * processor, for any number of threads and of images at once.
 */
export class Int8Stack extends ImageStack {
  /** @throws NativeError `INVALID_ARGUMENT`, `OUT_OF_MEMORY`, `ADDON_MISSING` */
  constructor(options: Int8StackOptions) {
    requireObject('options', options);
    const height = requireInteger('height', options.height, 1, stackUnits.side);
    const width = requireInteger('width', options.width, 1, stackUnits.side);
    const zeroPoint = requireInteger('zeroPoint', options.zeroPoint, 0, 255);
    const positive = (value: number) => value > 0;
    const outputScale = requireNumber(
      'outputScale',
      options.outputScale,
      'a number above 0',
      positive,
    );
    const layers = requireLayers(options.layers);
    const threads =
      options.threads === undefined ? 0 : requireInteger('threads', options.threads, 1, 256);
    super(height, width, () => {
      const { Int8Stack: Native } = binding();
      return new Native(height, width, zeroPoint, outputScale, layers, threads);
    });
  }
}

function requireLayers(value: unknown): Int8StackLayer[] {
  let inputs: number = stackUnits.colours;
  return requireArray('layers', value, 1).map((item, i) => {
    const name = `layers[${i}]`;
    const { kernel, bias, scale, zeroPoint, pool } = requireObject(name, item);
    if (!(bias instanceof Int32Array) || bias.length % stackUnits.filters || bias.length === 0) {
      const expected = `an Int32Array whose length is a multiple of ${stackUnits.filters}`;
      throw invalidArgument(`${name}.bias`, expected, bias);
    }
    const size = stackUnits.taps * inputs * bias.length;
    if (!(kernel instanceof Int8Array) || kernel.length !== size) {
      throw invalidArgument(`${name}.kernel`, `an Int8Array of length ${size}`, kernel);
    }
    inputs = bias.length;
    return {
      kernel,
      bias,
      scale: requireFloat32Array(`${name}.scale`, scale, bias.length),
      zeroPoint: requireInteger(`${name}.zeroPoint`, zeroPoint, 0, 255),
      pool: requireBoolean(`${name}.pool`, pool),
    };
  });
}
