import { writeFile } from 'node:fs/promises';
import {
  elementType,
  encodeModel,
  floatTensor,
  type GraphNode,
  metadataProps,
  node,
  type TensorProto,
  valueInfo,
} from '../../../packages/core/src/onnx/onnx-model.ts';

type Dims = readonly (number | string)[];

export interface SmallModel {
  readonly input?: {
    readonly name?: string;
    readonly type?: keyof typeof elementType;
    readonly dims: Dims;
  };
  readonly outputs?: readonly {
    readonly name: string;
    readonly dims: Dims;
    readonly type?: keyof typeof elementType;
  }[];
  readonly nodes?: readonly GraphNode[];
  readonly initializers?: readonly TensorProto[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly opset?: number;
  readonly extraInputs?: readonly string[];
}

/** A model that halves its float NCHW image of 8x8 pixels: [N, 3, 8, 8] → [N, 3, 4, 4]. */
export function smallModel(model: SmallModel = {}): Uint8Array {
  const {
    input = { dims: ['N', 3, 8, 8] },
    outputs = [{ name: 'halved', dims: ['N', 3, 4, 4] }],
    nodes = [pool(input.name ?? 'pixels', 'halved')],
  } = model;
  const { name = 'pixels', type = 'float32', dims } = input;
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: model.opset ?? 17 }],
    metadataProps: metadataProps(model.metadata ?? {}),
    graph: {
      name: 'small',
      node: [...nodes],
      initializer: [...(model.initializers ?? [])],
      input: [
        valueInfo(name, elementType[type], dims),
        ...(model.extraInputs ?? []).map((extra) => valueInfo(extra, elementType.float32, [1])),
      ],
      output: outputs.map((o) => valueInfo(o.name, elementType[o.type ?? 'float32'], o.dims)),
    },
  });
}

export function pool(from: string, to: string): GraphNode {
  return node('AveragePool', [from], to, { kernel_shape: [2, 2], strides: [2, 2] });
}

export async function writeSmallModel(path: string, model: SmallModel = {}): Promise<string> {
  await writeFile(path, smallModel(model));
  return path;
}

export { floatTensor, type GraphNode, node };

/** `count` images of `size` x `size`, all different. */
export function someImages(count: number, size: number): Uint8Array {
  return Uint8Array.from({ length: count * size * size * 3 }, (_, i) => (i * 73 + (i >> 5)) % 251);
}

/** The mean red, green and blue of each image of `size` x `size`. */
export function meanColours(images: Uint8Array, size: number): number[][] {
  const pixels = size * size;
  return Array.from({ length: images.length / (3 * pixels) }, (_, i) =>
    [0, 1, 2].map((c) => {
      let sum = 0;
      for (let k = 0; k < pixels; k++) sum += images[(i * pixels + k) * 3 + c] as number;
      return sum / pixels;
    }),
  );
}
