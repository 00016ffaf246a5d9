/** Types of everything that crosses between TypeScript and the addon. */

export type BackendName = 'cpu' | 'cuda';

/** What can train here. `description` and `reason` are written for people. */
export interface BackendInfo {
  readonly name: BackendName;
  readonly available: boolean;
  /** For example `CPU, AVX-512, 2 threads`. */
  readonly description: string;
  /** Why it is not available. */
  readonly reason?: string | undefined;
}

/** A stream of random numbers: equal streams give equal numbers, on every machine. */
export interface RandomStream {
  /** Integer in 0 … 2^53 - 1. */
  readonly seed: number;
  /** Integer in 0 … 255; see `randomDomain`. */
  readonly domain: number;
  /** Three integers in 0 … 2^32 - 1 that name the stream within its domain; zeros by default. */
  readonly counter?: readonly [number, number, number] | undefined;
}

export type FeatureDtype = 'float32' | 'float16';

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

/** One head's training: Adam in Keras's form. */
export interface HeadOptions {
  /** Integer in 0 … 2^53 - 1: initial weights and dropout masks follow from it. */
  readonly seed: number;
  readonly learningRate: number;
  /** 0.9 by default. */
  readonly beta1?: number | undefined;
  /** 0.999 by default. */
  readonly beta2?: number | undefined;
  /** 1e-7 by default. */
  readonly epsilon?: number | undefined;
  /** One finite number ≥ 0 a class; all ones by default. */
  readonly classWeights?: Float32Array | undefined;
}

export interface TrainerOptions {
  readonly inputShape: SampleShape;
  /** The last is a linear `dense` of `classes` units: softmax belongs to the loss. */
  readonly layers: readonly LayerSpec[];
  readonly classes: number;
  /** The heads that are trained at once, over the same features. */
  readonly heads: readonly HeadOptions[];
  /** `cpu` by default. */
  readonly backend?: BackendName | undefined;
  /** CPU threads, 1 … 256; by default as many as the process may use, at most 16. */
  readonly threads?: number | undefined;
}

/** One head's samples, in the order of training. */
export interface HeadBatch {
  /** Rows of the feature store. */
  readonly rows: Int32Array;
  /** One class index a row. */
  readonly labels: Int32Array;
}

export interface TrainMetrics {
  /** Sum of class weight × cross-entropy over the samples, divided by their number, as Keras. */
  readonly loss: number;
  readonly accuracy: number;
  readonly samples: number;
  readonly steps: number;
}

export interface EvaluationMetrics {
  /** Mean cross-entropy, without class weights. */
  readonly loss: number;
  readonly accuracy: number;
  readonly samples: number;
}

/** Adam's state: steps done, and both moments of every parameter by its name. */
export interface OptimizerState {
  readonly step: number;
  readonly m: TensorMap;
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

export interface NativeHead {
  readonly seed: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly classWeights: Float32Array;
}

export interface NativeTrainerConfig {
  readonly inputShape: SampleShape;
  readonly layers: readonly NativeLayer[];
  readonly classes: number;
  readonly heads: readonly NativeHead[];
  readonly backend: BackendName;
  readonly threads: number;
}

export interface NativeFeatureStore {
  append(rows: Float32Array | Uint16Array): void;
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
    head: number,
    rows: Int32Array,
    labels: Int32Array,
    batchSize: number,
  ): Promise<EvaluationMetrics>;
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
  ) => NativeFeatureStore;
  readonly Trainer: new (config: NativeTrainerConfig) => NativeTrainer;
}
