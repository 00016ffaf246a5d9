import { randomDomain, uniforms } from '@headstart/native';
import type { ConvWeights, Vgg16Weights } from '../onnx/index.ts';
import { vgg16Convolutions } from '../onnx/index.ts';

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
    const drawn = uniforms(stream, outputs * fanIn);
    const kernel = new Float32Array(drawn.length);
    // Not Float32Array.from: that takes a microsecond a number, and there are 15 million.
    for (let k = 0; k < drawn.length; k++) kernel[k] = (2 * (drawn[k] as number) - 1) * limit;
    return { kernel, bias: new Float32Array(outputs) };
  });
  return { convolutions, preprocessing: 'torch', format: 'he-uniform' };
}
