import { type ExtractorOptions, type OpenBackbone, openBackbone } from './extractor.ts';
import type { SampleSource } from './precision.ts';

/** Keeps one backbone open from one job to the next, where all of them name the same. */
export class BackboneKeeper implements AsyncDisposable {
  #open: Promise<OpenBackbone> | undefined;

  /** Opens it for the first job; what failed is tried again by the next one. */
  async open(options: ExtractorOptions, source: SampleSource): Promise<OpenBackbone> {
    this.#open ??= openBackbone(options, source);
    try {
      return await this.#open;
    } catch (error) {
      this.#open = undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await (await open?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}
