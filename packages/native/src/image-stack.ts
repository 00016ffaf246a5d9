import { callNative } from './errors.ts';
import type { NativeStack, SampleShape } from './native-module.ts';
import { invalidArgument, requireInteger } from './validate.ts';

/** As the addon takes them: of channels of a picture, taps of a kernel, filters of a vector. */
export const stackUnits = { colours: 3, taps: 9, filters: 16, side: 65_536 } as const;

/**
 * A chain of convolutions over images, on the CPU. `run` blocks its thread. Dispose of it when done:
 * it holds the kernels.
 */
export abstract class ImageStack implements Disposable {
  /** Of one image's features: height, width, channels. */
  readonly outputShape: SampleShape;
  readonly #native: NativeStack;
  readonly #imageBytes: number;

  protected constructor(height: number, width: number, make: () => NativeStack) {
    this.#imageBytes = height * width * stackUnits.colours;
    this.#native = callNative(make);
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
