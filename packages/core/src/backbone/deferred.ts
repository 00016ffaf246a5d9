import { HeadstartError } from '../base/errors.ts';
import { digestOfBackbone } from '../onnx/index.ts';
import { type BackboneFile, shownName } from './file.ts';
import { Backbone, type BackboneInfo, describeOnCpu, type OpenBackboneOptions } from './session.ts';

/** What runs as a {@link Backbone} does. */
export type RunnableBackbone = Pick<
  Backbone,
  'info' | 'run' | 'close' | typeof Symbol.asyncDispose
>;

/**
 * A backbone that is started when the first images come: where all features are in the cache, the
 * seconds that this takes are not spent. Where only running it can tell what it is (on a GPU, or where
 * the file does not say the shape of its features), it is opened at once.
 *
 * @throws HeadstartError as {@link Backbone.open}; what only starting it shows is thrown by `run`
 */
export async function openWhenRun(
  file: BackboneFile,
  options: OpenBackboneOptions = {},
): Promise<RunnableBackbone> {
  options.signal?.throwIfAborted();
  const info = await describeOnCpu(file, options);
  return info
    ? new DeferredBackbone(info, () => Backbone.open(file, { ...options, device: 'cpu' }))
    : Backbone.open(file, options);
}

class DeferredBackbone implements RunnableBackbone {
  readonly info: BackboneInfo;
  readonly #start: () => Promise<Backbone>;
  #opening: Promise<Backbone> | undefined;
  #closed = false;

  constructor(info: BackboneInfo, start: () => Promise<Backbone>) {
    this.info = info;
    this.#start = start;
  }

  async run(images: Uint8Array, count: number): Promise<Float32Array> {
    if (this.#closed) throw new HeadstartError('INTERNAL', 'The backbone was closed.');
    this.#opening ??= this.#open();
    return (await this.#opening).run(images, count);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#opening?.catch(() => undefined))?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<Backbone> {
    const backbone = await this.#start();
    try {
      await this.#checkSame(backbone);
    } catch (error) {
      await backbone.close();
      throw error;
    }
    return backbone;
  }

  /** Features are kept under the digest that the file had when it was described, perhaps hours ago. */
  async #checkSame(backbone: Backbone): Promise<void> {
    const { path, sha256 } = this.info;
    const shown = shownName(this.info);
    if ((await digestOfBackbone(path)) !== sha256) {
      throw new HeadstartError(
        'BACKBONE_UNSUITABLE',
        `The backbone ${shown} was replaced while the command ran: repeat the command.`,
      );
    }
    const [said, given] = [this.info, backbone.info].map(({ featureShape }) =>
      featureShape.join('x'),
    );
    if (said === given) return;
    throw new HeadstartError(
      'BACKBONE_UNSUITABLE',
      `${shown} says that its features are ${said}, and gives ${given}. Export it with the shape that it has.`,
    );
  }
}
