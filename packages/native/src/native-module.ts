/** Types of everything that crosses between TypeScript and the addon. */

export type BackendName = 'cpu' | 'cuda';

/** What can train here. `description` and `reason` are written for people. */
export interface BackendInfo {
  readonly name: BackendName;
  readonly available: boolean;
  /** For example `CPU, AVX-512, 2 threads`. */
  readonly description: string;
  /** What it can multiply in; empty where it is not available. */
  readonly compute: readonly Compute[];
  /** Why it is not available. */
  readonly reason?: string | undefined;
}

/**
 * What products are computed in. `tf32` and `bf16`: operands rounded to TensorFloat-32 (10 bits of
 * fraction) or bfloat16 (7), sums in float32; weights, their updates and all else stay float32.
 * `tf32` is the GPU's alone; `bf16` needs AVX512_BF16 on the CPU.
 */
export type Compute = 'fp32' | 'tf32' | 'bf16';

/** A stream of random numbers: equal streams give equal numbers, on every machine. */
export interface RandomStream {
  /** Integer in 0 … 2^53 - 1. */
  readonly seed: number;
  /** Integer in 0 … 255; see `randomDomain`. */
  readonly domain: number;
  /** Three integers in 0 … 2^32 - 1 that name the stream within its domain; zeros by default. */
  readonly counter?: readonly [number, number, number] | undefined;
}

export type FeatureDtype = 'float32' | 'float16' | 'bfloat16';

/** Height, width and channels of one sample; a vector of D numbers is `[1, 1, D]`. */
export type SampleShape = readonly [height: number, width: number, channels: number];

/** A float32 array in row-major order. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type TensorMap = Record<string, Tensor>;

export type Activation = 'relu' | 'linear';

/** Same padding, stride 1; kernel `[size, size, inputs, filters]` and bias `[filters]`. */
export interface Conv2dSpec {
  readonly type: 'conv2d';
  readonly name: string;
  readonly filters: number;
  readonly kernelSize: 1 | 3;
  /** `linear` by default. */
  readonly activation?: Activation | undefined;
}

/** 2x2, stride 2, same padding: an odd last row or column pools what is there, as in Keras. */
export interface MaxPool2dSpec {
  readonly type: 'max_pool2d';
}

export interface GlobalAveragePool2dSpec {
  readonly type: 'global_average_pool2d';
}

/** `[h, w, c]` becomes `[1, 1, h * w * c]`, in that order. */
export interface FlattenSpec {
  readonly type: 'flatten';
}

/** Inverted dropout: in training, an element is kept with probability 1 - rate and scaled by its inverse. */
export interface DropoutSpec {
  readonly type: 'dropout';
  /** In 0 ≤ rate < 1. */
  readonly rate: number;
}

/** Over a vector; kernel `[inputs, units]` and bias `[units]`. */
export interface DenseSpec {
  readonly type: 'dense';
  readonly name: string;
  readonly units: number;
  /** `linear` by default. */
  readonly activation?: Activation | undefined;
}

export type LayerSpec =
  | Conv2dSpec
  | MaxPool2dSpec
  | GlobalAveragePool2dSpec
  | FlattenSpec
  | DropoutSpec
  | DenseSpec;

/**
 * Keras 3's optimizers, with its arithmetic and its defaults: adam and adamw with epsilon outside
 * the bias correction, sgd with the rate inside the velocity, rmsprop with epsilon under the root.
 */
export type OptimizerSpec =
  | {
      readonly type: 'adam' | 'adamw';
      /** 0.9 by default. */
      readonly beta1?: number | undefined;
      /** 0.999 by default. */
      readonly beta2?: number | undefined;
      /** 1e-7 by default. */
      readonly epsilon?: number | undefined;
    }
  | {
      readonly type: 'sgd';
      /** 0 by default. */
      readonly momentum?: number | undefined;
      /** False by default; needs momentum. */
      readonly nesterov?: boolean | undefined;
    }
  | {
      readonly type: 'rmsprop';
      /** 0.9 by default. */
      readonly rho?: number | undefined;
      /** 0 by default. */
      readonly momentum?: number | undefined;
      /** 1e-7 by default. */
      readonly epsilon?: number | undefined;
    };

/** How one head is trained. */
export interface HeadOptions {
  /** Integer in 0 … 2^53 - 1: initial weights and dropout masks follow from it. */
  readonly seed: number;
  readonly learningRate: number;
  /** `adam` by default. */
  readonly optimizer?: OptimizerSpec | undefined;
  /**
   * Decoupled, as Keras's: `w -= rate * weightDecay * w` before each update, for every parameter.
   * 0 by default, for adamw 0.004.
   */
  readonly weightDecay?: number | undefined;
  /** Keras's `kernel_regularizer`: `l2 * sum(w^2)` over all kernels is added to the loss. 0 by default. */
  readonly l2?: number | undefined;
  /** In 0 ≤ s < 1: targets become `y (1 - s) + s / classes`. 0 by default. */
  readonly labelSmoothing?: number | undefined;
  /** In 0 ≤ rate < 1: replaces the rate of every dropout layer. */
  readonly dropout?: number | undefined;
  /** One finite number ≥ 0 a class; all ones by default. */
  readonly classWeights?: Float32Array | undefined;
}

export interface TrainerOptions {
  readonly inputShape: SampleShape;
  /** The last is a linear `dense` of `classes` units: softmax belongs to the loss. */
  readonly layers: readonly LayerSpec[];
  readonly classes: number;
  /** The heads that are trained at once, over the same features: independent of each other. */
  readonly heads: readonly HeadOptions[];
  /** `cpu` by default. */
  readonly backend?: BackendName | undefined;
  /** `fp32` by default. */
  readonly compute?: Compute | undefined;
  /** CPU threads, 1 … 256; by default as many as the process may use, at most 16. */
  readonly threads?: number | undefined;
}

/** One head's labelled samples. */
export interface LabelledRows {
  /** Rows of the feature store. */
  readonly rows: Int32Array;
  /** One class index a row. */
  readonly labels: Int32Array;
}

/** One head's samples, in the order of training. */
export interface HeadBatch extends LabelledRows {
  /** One finite number ≥ 0 a step; the head's own rate by default. */
  readonly learningRates?: Float64Array | undefined;
}

export interface TrainMetrics {
  /**
   * Sum of class weight × cross-entropy over the samples, divided by their number, plus the L2
   * penalty, as Keras.
   */
  readonly loss: number;
  readonly accuracy: number;
  readonly samples: number;
  readonly steps: number;
}

export interface EvaluationMetrics {
  /** Mean cross-entropy with smoothing and the L2 penalty, without class weights, as Keras's `val_loss`. */
  readonly loss: number;
  readonly accuracy: number;
  readonly samples: number;
}

/** Steps done, and the moments of every parameter by its name; none where there are none. */
export interface OptimizerState {
  readonly step: number;
  /** adam: the first moment; sgd and rmsprop with momentum: the velocity. */
  readonly m: TensorMap;
  /** adam: the second moment; rmsprop: the mean square. */
  readonly v: TensorMap;
}

/** A layer as the addon takes it; fields that a layer has not are 0 or empty. */
export interface NativeLayer {
  readonly type: LayerSpec['type'];
  readonly name: string;
  readonly size: number;
  readonly kernelSize: number;
  readonly relu: boolean;
  readonly rate: number;
}

export interface NativeOptimizer {
  readonly type: 'adam' | 'sgd' | 'rmsprop';
  readonly beta1: number;
  readonly beta2: number;
  readonly rho: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly nesterov: boolean;
}

export interface NativeHead {
  readonly seed: number;
  readonly learningRate: number;
  readonly optimizer: NativeOptimizer;
  readonly weightDecay: number;
  readonly l2: number;
  readonly labelSmoothing: number;
  readonly dropout: number | undefined;
  readonly classWeights: Float32Array;
}

export interface NativeTrainerConfig {
  readonly inputShape: SampleShape;
  readonly layers: readonly NativeLayer[];
  readonly classes: number;
  readonly heads: readonly NativeHead[];
  readonly backend: BackendName;
  readonly compute: Compute;
  readonly threads: number;
}

export interface NativeFeatureStore {
  append(rows: Float32Array | Uint16Array): void;
  /** -1 where there is none. */
  findInvalidRow(begin: number, count: number): number;
  readonly length: number;
  readonly byteLength: number;
  dispose(): void;
}

export type NativeState = 'weights' | 'm' | 'v';

export interface NativeTrainer {
  trainSteps(
    store: NativeFeatureStore,
    batches: readonly HeadBatch[],
    batchSize: number,
  ): Promise<TrainMetrics[]>;
  evaluate(
    store: NativeFeatureStore,
    batches: readonly LabelledRows[],
    batchSize: number,
  ): Promise<EvaluationMetrics[]>;
  predict(
    store: NativeFeatureStore,
    head: number,
    rows: Int32Array,
    batchSize: number,
  ): Promise<Float32Array>;
  gradients(
    store: NativeFeatureStore,
    head: number,
    rows: Int32Array,
    labels: Int32Array,
    dropout: boolean,
  ): Promise<{ loss: number; gradients: TensorMap }>;
  /** Makes the operation that runs now end after the step in flight. */
  abort(): void;
  getTensors(head: number, state: NativeState): TensorMap;
  setTensors(head: number, state: NativeState, tensors: Readonly<TensorMap>): void;
  getStep(head: number): number;
  setStep(head: number, step: number): void;
  setLearningRate(head: number, learningRate: number): void;
  dispose(): void;
}

/** A layer of a stack: a same-padded 3x3 convolution with ReLU, and maybe a 2x2 max pool. */
export interface StackLayer {
  /** [3, 3, inputs, filters] */
  readonly kernel: Float32Array;
  /** [filters], a multiple of 16. */
  readonly bias: Float32Array;
  readonly pool: boolean;
}

export interface NativeStack {
  run(images: Uint8Array, count: number): Float32Array;
  readonly outputShape: number[];
  readonly byteLength: number;
  dispose(): void;
}

/** What is made of a picture; see `renderViews`. Boxes: top, left, height, width. */
export interface NativeViews {
  readonly filter: ResampleFilter;
  readonly height: number;
  readonly width: number;
  readonly placed: readonly number[];
  /** Nine numbers a view. */
  readonly views: Float64Array;
  readonly target: Uint8Array;
}

export interface NativeRendering extends NativeViews {
  readonly pixels: Uint8Array;
  readonly sourceHeight: number;
  readonly sourceWidth: number;
  readonly part: readonly number[];
}

/** See `renderJpeg`. */
export interface NativeJpegRendering extends NativeViews {
  readonly file: string | Uint8Array;
  readonly sha256: Uint8Array | undefined;
  readonly maxPixels: number;
  readonly ignoreProfiles: boolean;
  readonly ignoredProfiles: Uint8Array;
}

export type ResampleFilter = 'bilinear' | 'bicubic' | 'lanczos';

/** What `headstart.node` exports. Everything it throws is an Error with a `code`. */
export interface NativeModule {
  backends(): BackendInfo[];
  uniforms(
    seed: number,
    domain: number,
    c1: number,
    c2: number,
    c3: number,
    count: number,
  ): Float64Array;
  encodeRows(
    numbers: Float32Array,
    headers: Uint8Array,
    headerBytes: number,
    checkedBytes: number,
    half: boolean,
    target: Uint8Array,
  ): Promise<number>;
  readCheckedRows(
    files: Int32Array,
    offsets: Float64Array,
    headers: Uint8Array,
    headerBytes: number,
    checkedBytes: number,
    rowBytes: number,
    target: Uint8Array | undefined,
    threads: number,
  ): Promise<Uint8Array>;
  permutation(
    seed: number,
    domain: number,
    c1: number,
    c2: number,
    c3: number,
    count: number,
  ): Int32Array;
  readonly FeatureStore: new (
    height: number,
    width: number,
    channels: number,
    capacity: number,
    dtype: FeatureDtype,
    path: string | undefined,
    offset: number | undefined,
    device: BackendName,
  ) => NativeFeatureStore;
  readonly ConvStack: new (
    height: number,
    width: number,
    scale: Float32Array,
    shift: Float32Array,
    layers: readonly StackLayer[],
    threads: number,
  ) => NativeStack;
  renderViews(rendering: NativeRendering): Promise<void>;
  renderViewsNow(rendering: NativeRendering): void;
  readonly canRenderJpeg: boolean;
  renderJpeg(rendering: NativeJpegRendering): Promise<boolean>;
  availableThreads(root: string): number;
  readonly Trainer: new (config: NativeTrainerConfig) => NativeTrainer;
}
