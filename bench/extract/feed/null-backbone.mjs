// A backbone that costs next to nothing, so that what feeds it can be measured without a GPU.
import { writeFileSync } from 'node:fs';
import {
  elementType,
  encodeModel,
  floatTensor,
  int64Tensor,
  metadataProps,
  node,
  valueInfo,
} from '../../../packages/core/dist/onnx/onnx-model.js';

const side = 224;
const step = 32;
const channels = 512;

/** uint8 [N, 224, 224, 3]: 7 x 7 of its pixels, each times a matrix of [3, 512]. */
export function writeNullBackbone(path) {
  const kernel = Float32Array.from({ length: 3 * channels }, (_, i) => ((i * 37) % 101) / 1e4);
  const model = {
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'null',
      node: [
        node('Slice', ['image', 'from', 'to', 'axes', 'steps'], 'pixels'),
        node('Cast', ['pixels'], 'levels', { to: elementType.float32 }),
        node('MatMul', ['levels', 'kernel'], 'features'),
      ],
      input: [valueInfo('image', elementType.uint8, ['N', side, side, 3])],
      output: [
        valueInfo('features', elementType.float32, ['N', side / step, side / step, channels]),
      ],
      initializer: [
        int64Tensor('from', [step / 2, step / 2]),
        int64Tensor('to', [side, side]),
        int64Tensor('axes', [1, 2]),
        int64Tensor('steps', [step, step]),
        floatTensor('kernel', [3, channels], kernel),
      ],
    },
    metadataProps: metadataProps({ preprocessing: 'none' }),
  };
  writeFileSync(path, encodeModel(model));
}
