import type { Backbone, BackboneFile } from '../backbone/index.ts';
import { findBackboneFiles, type OpenBackbone, openBackbone } from './extractor.ts';
import type { ExtractorOptions } from './extractor-options.ts';
import { openStore } from './open.ts';
import type { SampleSource } from './precision.ts';

/** A backbone that somebody has open. */
export interface LentBackbone {
  /** SHA-256 of the backbone's own file. */
  readonly sha256: string;
  readonly features: Backbone;
}

/** Keeps one backbone open from one job to the next, where all of them name the same. */
export class BackboneKeeper implements AsyncDisposable {
  readonly #lent: LentBackbone | undefined;
  #open: Promise<OpenBackbone> | undefined;

  /** @param lent is used where it is the one that the jobs name, and stays open */
  constructor(lent?: LentBackbone) {
    this.#lent = lent;
  }

  /** Opens it for the first job; what failed is tried again by the next one. */
  async open(options: ExtractorOptions, source: SampleSource): Promise<OpenBackbone> {
    this.#open ??= this.#openFirst(options, source);
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

  async #openFirst(options: ExtractorOptions, source: SampleSource): Promise<OpenBackbone> {
    const lent = this.#lent;
    if (!lent) return openBackbone(options, source);
    const files = await findBackboneFiles(options, source);
    const { exact, file } = files;
    if (!serves(lent, file, options)) return openBackbone(options, source, files);
    const cache = await openStore(options);
    const close = () => cache[Symbol.asyncDispose]();
    return { exact, file, backbone: lent.features.as(file), cache, [Symbol.asyncDispose]: close };
  }
}

/** The same weights, where their precision is computed. */
function serves(
  { sha256, features }: LentBackbone,
  file: BackboneFile,
  { precision = 'fp32' }: ExtractorOptions,
): boolean {
  const onCpu = features.info.provider === 'cpu';
  const there = precision === 'fp32' || (precision === 'int8' ? onCpu : !onCpu);
  return sha256 === file.sha256 && there;
}
