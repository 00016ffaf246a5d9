import { rm } from 'node:fs/promises';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { temporaryBeside } from '../base/temporary-files.ts';
import type { InputPreprocessing } from '../onnx/index.ts';
import { backboneModel, type ChannelStatistics, vgg16ImageSize } from '../onnx/index.ts';
import { heWeights } from '../weights/index.ts';
import { Backbone } from './backbone.ts';
import { describeFile } from './describe-file.ts';
import type { BackboneFile, LocateOptions } from './file.ts';
import { generatedImages } from './generated-images.ts';

const name = 'vgg16-untrained';
const pictures = 32;
const pictureSeed = 16;
const batch = 4;

/**
 * Writes VGG16 with He-initialized weights to `path`. Its features are standardized per channel
 * inside the graph, with statistics from generated pictures: without that, a head learns little
 * from them.
 */
export async function buildUntrained(
  path: string,
  preprocessing: InputPreprocessing,
  { layer, signal, onProgress }: LocateOptions,
): Promise<BackboneFile> {
  const { convolutions, format } = heWeights();
  const metadata = { untrained: 'true', source: `random weights (${format}, seed 16)` };
  const graph = { name, convolutions, preprocessing, layer, metadata };
  const plain = temporaryBeside(path);
  await writeFileAtomically(plain, backboneModel(graph));
  try {
    const standardization = await channelStatistics(await describeFile(plain), {
      signal,
      onPicture: (done) =>
        onProgress?.({ stage: `building ${name}`, done, total: pictures, unit: 'pictures' }),
    });
    await writeFileAtomically(path, backboneModel({ ...graph, standardization }));
  } finally {
    await rm(plain, { force: true });
  }
  return describeFile(path);
}

async function channelStatistics(
  file: BackboneFile,
  options: { signal: AbortSignal | undefined; onPicture: (done: number) => void },
): Promise<ChannelStatistics> {
  const { signal, onPicture } = options;
  await using backbone = await Backbone.open(file, { device: 'cpu', signal });
  const channels = backbone.info.featureShape.at(-1) ?? 0;
  const [sum, squares] = [new Float64Array(channels), new Float64Array(channels)];
  let cells = 0;
  const images = generatedImages(pictures, vgg16ImageSize, pictureSeed);
  const bytes = images.length / pictures;
  for (let i = 0; i < pictures; i += batch) {
    signal?.throwIfAborted();
    const features = await backbone.run(images.subarray(i * bytes, (i + batch) * bytes), batch);
    features.forEach((value, k) => {
      const channel = k % channels;
      sum[channel] = (sum[channel] as number) + value;
      squares[channel] = (squares[channel] as number) + value * value;
    });
    cells += features.length / channels;
    onPicture(i + batch);
  }
  return roundedStatistics(sum, squares, cells);
}

/**
 * Deviations are rounded to powers of 2^¼ and means to sixteenths of them. Inference differs in
 * the last bits from one processor to another; the file, whose hash is in every feature's key, is
 * to be the same on all of them. Standardization needs no more precision than this.
 */
function roundedStatistics(
  sum: Float64Array,
  squares: Float64Array,
  cells: number,
): ChannelStatistics {
  const mean = new Float32Array(sum.length);
  const deviation = new Float32Array(sum.length).fill(1);
  for (let c = 0; c < sum.length; c++) {
    const average = (sum[c] as number) / cells;
    const variance = (squares[c] as number) / cells - average * average;
    // A channel that never speaks stays as it is.
    if (variance > 1e-12) deviation[c] = 2 ** (Math.round(4 * Math.log2(Math.sqrt(variance))) / 4);
    const step = (deviation[c] as number) / 16;
    mean[c] = Math.round(average / step) * step;
  }
  return { mean, deviation };
}
