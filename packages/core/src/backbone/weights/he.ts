import { randomDomain, uniforms } from '../../random.ts';
import { vgg16Convolutions } from '../vgg16.ts';
import type { ConvWeights, Vgg16Weights } from './conv-weights.ts';

/** The seed of `vgg16-untrained`: everybody's file is the same. */
const untrainedSeed = 16;

/**
 * He's initialization (K. He et al., "Delving Deep into Rectifiers", 2015, arXiv 1502.01852), in its
 * uniform form: ±√(6 / fan-in), biases 0. Uniform because it takes no logarithm and no cosine, whose
 * last bits differ between platforms.
 */
export function heWeights(): Vgg16Weights {
  const convolutions = vgg16Convolutions.map(({ inputs, outputs }, layer): ConvWeights => {
    const fanIn = inputs * 9;
    const limit = Math.sqrt(6 / fanIn);
    const stream = {
      seed: untrainedSeed,
      domain: randomDomain.backboneInit,
      counter: [layer, 0, 0] as [number, number, number],
    };
    const kernel = Float32Array.from(uniforms(stream, outputs * fanIn), (u) => (2 * u - 1) * limit);
    return { kernel, bias: new Float32Array(outputs) };
  });
  return { convolutions, preprocessing: 'torch', format: 'he-uniform' };
}
