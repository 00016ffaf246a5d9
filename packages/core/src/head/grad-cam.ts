import type { LayerSpec } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import { type FeatureMap, type LayerPass, layerPass } from './layer-pass.ts';
import type { ResolvedHead } from './spec.ts';
import type { HeadWeights } from './weights.ts';

/** Where in the image a class was seen; the grid covers the whole of the backbone's input. */
export interface HeatMap {
  readonly height: number;
  readonly width: number;
  /** [height, width], 0..1; all zero where nothing speaks for the class. */
  readonly values: Float32Array;
}

export interface HeadExplanation {
  /** Softmax over the classes, before any temperature. */
  readonly probabilities: Float32Array;
  /** The map of a class, by its label. */
  heatMap(label: number): HeatMap;
}

/**
 * A head that shows where it looked.
 *
 * Grad-CAM (Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
 * Localization", ICCV 2017, arXiv 1610.02391): the channels of a feature map, each weighted by the
 * mean gradient of the class's logit by it, summed; what speaks against the class is cut off, and
 * the largest number brought to 1.
 *
 * The map is the output of the head's last convolution before it pools, or the features where there
 * is none (after global average pooling and one dense layer this is CAM; Zhou et al., CVPR 2016).
 * A later convolution of the preset `conv` has only 4x4 places, in which small objects are lost.
 */
export class HeadExplainer {
  readonly #head: ResolvedHead;
  readonly #passes: readonly LayerPass[];
  /** Index of the activation that is looked at: 0 is the features, i the output of layer i. */
  readonly #level: number;

  /** @throws HeadstartError `USAGE` where the features have no places */
  constructor(head: ResolvedHead, weights: HeadWeights) {
    const [height, width] = head.inputShape;
    if (height * width === 1) {
      throw new HeadstartError(
        'USAGE',
        'The backbone gives vectors, which have no places in the image to point at: ' +
          'heat maps need one that gives a feature map, such as vgg16.',
      );
    }
    this.#head = head;
    this.#passes = head.layers.map((layer) => layerPass(layer, weights));
    this.#level = lastFullConvolution(head.layers) + 1;
  }

  /** @param features of one image, [height, width, channels] as the head's input */
  explain(features: Float32Array): HeadExplanation {
    const [height, width, channels] = this.#head.inputShape;
    if (features.length !== height * width * channels) {
      throw new HeadstartError(
        'INTERNAL',
        `${features.length} features are not ${height}x${width}x${channels}.`,
      );
    }
    const activations: FeatureMap[] = [{ height, width, channels, data: features }];
    for (const pass of this.#passes)
      activations.push(pass.forward(activations.at(-1) as FeatureMap));
    const logits = (activations.at(-1) as FeatureMap).data;
    return {
      probabilities: softmax(logits),
      heatMap: (label) => this.#heatMap(activations, label),
    };
  }

  #heatMap(activations: readonly FeatureMap[], label: number): HeatMap {
    const map = activations[this.#level] as FeatureMap;
    return heatOf(map, this.#gradient(activations, label));
  }

  /** Of the class's logit, by the activation that is looked at. */
  #gradient(activations: readonly FeatureMap[], label: number): Float32Array {
    let gradient: Float32Array = new Float32Array(this.#head.classes);
    gradient[label] = 1;
    for (let i = this.#passes.length - 1; i >= this.#level; i--) {
      const [input, output] = [activations[i], activations[i + 1]] as [FeatureMap, FeatureMap];
      gradient = (this.#passes[i] as LayerPass).backward(input, output, gradient);
    }
    return gradient;
  }
}

/** Its index, or -1: of a convolution that still has a place for each of the features'. */
function lastFullConvolution(layers: readonly LayerSpec[]): number {
  const end = layers.findIndex(({ type }) => type !== 'conv2d' && type !== 'dropout');
  return layers.slice(0, end).findLastIndex(({ type }) => type === 'conv2d');
}

/** ReLU of the sum over channels, each weighted by its mean gradient, over its largest number. */
function heatOf({ height, width, channels, data }: FeatureMap, gradient: Float32Array): HeatMap {
  const weights = new Float64Array(channels);
  gradient.forEach((value, i) => {
    weights[i % channels] = (weights[i % channels] as number) + value / (height * width);
  });
  const sums = Float64Array.from({ length: height * width }, (_, place) =>
    weights.reduce((sum, weight, c) => sum + weight * (data[place * channels + c] as number), 0),
  );
  const largest = Math.max(0, ...sums);
  const values = Float32Array.from(sums, (sum) => (largest > 0 ? Math.max(0, sum) / largest : 0));
  return { height, width, values };
}

function softmax(logits: Float32Array): Float32Array {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const powers = Float64Array.from(logits, (z) => Math.exp(z - largest));
  const sum = powers.reduce((a, b) => a + b);
  return Float32Array.from(powers, (power) => power / sum);
}
