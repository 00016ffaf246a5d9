import { binding } from './binding.ts';
import { callNative } from './errors.ts';
import type { NativeStack, SampleShape, StackLayer } from './native-module.ts';
import {
  invalidArgument,
  requireArray,
  requireBoolean,
  requireFloat32Array,
  requireInteger,
  requireObject,
} from './validate.ts';

/** As the addon takes them: of channels of a picture, taps of a kernel, filters of a vector. */
const stackUnits = { colours: 3, taps: 9, filters: 16, side: 65_536 } as const;

export interface ConvStackOptions {
  /** Of images, in pixels. */
  readonly height: number;
  readonly width: number;
  /** Pixels 0 … 255 become pixel · scale + shift, by channel: three each. */
  readonly scale: Float32Array;
  readonly shift: Float32Array;
  /** The first has three inputs and no pool; a pool needs even sides. */
  readonly layers: readonly StackLayer[];
  /** CPU threads, 1 … 256; by default as many as the process may use, at most 16. */
  readonly threads?: number | undefined;
}

/**
 * A chain of 3x3 convolutions with ReLU and max pools over images, on the CPU, in float32: VGG16
 * without its top. By minimal filtering F(4x4, 3x3) (A. Lavin, S. Gray, 2016), which multiplies a
 * quarter as often; its results differ from plain sums by some 1e-6 of the largest. The same bits
 * come for any number of threads and of images at once.
 *
 * `run` blocks its thread. Dispose of a stack when done: it holds the kernels four times as large as
 * they are in a file.
 */
export class ConvStack implements Disposable {
  /** Of one image's features: height, width, channels. */
  readonly outputShape: SampleShape;
  readonly #native: NativeStack;
  readonly #imageBytes: number;

  /** @throws NativeError `INVALID_ARGUMENT`, `OUT_OF_MEMORY`, `ADDON_MISSING` */
  constructor(options: ConvStackOptions) {
    requireObject('options', options);
    const height = requireInteger('height', options.height, 1, stackUnits.side);
    const width = requireInteger('width', options.width, 1, stackUnits.side);
    const scale = requireFloat32Array('scale', options.scale, stackUnits.colours);
    const shift = requireFloat32Array('shift', options.shift, stackUnits.colours);
    const layers = requireLayers(options.layers);
    const threads =
      options.threads === undefined ? 0 : requireInteger('threads', options.threads, 1, 256);
    this.#imageBytes = height * width * stackUnits.colours;
    this.#native = callNative(
      () => new (binding().ConvStack)(height, width, scale, shift, layers, threads),
    );
    this.outputShape = callNative(() => this.#native.outputShape) as [number, number, number];
  }

  /**
   * @param images uint8 [count, height, width, 3]
   * @returns [count, ...outputShape]
   * @throws NativeError `INVALID_ARGUMENT`, `DISPOSED`, `OUT_OF_MEMORY`
   */
  run(images: Uint8Array, count: number): Float32Array {
    requireInteger('count', count, 1, 65_536);
    if (!(images instanceof Uint8Array) || images.length !== count * this.#imageBytes) {
      throw invalidArgument('images', `a Uint8Array of ${count * this.#imageBytes} bytes`, images);
    }
    return callNative(() => this.#native.run(images, count));
  }

  dispose(): void {
    this.#native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function requireLayers(value: unknown): StackLayer[] {
  let inputs: number = stackUnits.colours;
  return requireArray('layers', value, 1).map((item, i) => {
    const name = `layers[${i}]`;
    const layer = requireObject(name, item);
    const { bias } = layer;
    if (
      !(bias instanceof Float32Array) ||
      bias.length === 0 ||
      bias.length % stackUnits.filters !== 0
    ) {
      const expected = `a Float32Array whose length is a multiple of ${stackUnits.filters}`;
      throw invalidArgument(`${name}.bias`, expected, bias);
    }
    const size = stackUnits.taps * inputs * bias.length;
    inputs = bias.length;
    return {
      kernel: requireFloat32Array(`${name}.kernel`, layer.kernel, size),
      bias,
      pool: requireBoolean(`${name}.pool`, layer.pool),
    };
  });
}
