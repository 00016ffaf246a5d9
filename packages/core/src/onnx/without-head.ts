import { HeadstartError } from '../base/errors.ts';
import { headOutputs, headPrefix } from './append-head.ts';
import { elementType, type Model, valueInfo } from './onnx-model.ts';

/**
 * The backbone inside a model that `appendHead` made, with its features as output.
 *
 * @param featureShape of one image
 * @throws HeadstartError `BACKBONE_UNSUITABLE`
 */
export function withoutHead(model: Model, file: string, featureShape: readonly number[]): Model {
  const isHeads = (name: string | null | undefined) =>
    name?.startsWith(headPrefix) || headOutputs.some((output) => output === name);
  const graph = model.graph ?? {};
  const node = (graph.node ?? []).filter(({ output }) => !output?.every(isHeads));
  if (!node.some(({ output }) => output?.includes('features'))) {
    throw new HeadstartError('BACKBONE_UNSUITABLE', `${file} has no features inside.`);
  }
  return {
    ...model,
    graph: {
      ...graph,
      node,
      initializer: (graph.initializer ?? []).filter(({ name }) => !isHeads(name)),
      output: [valueInfo('features', elementType.float32, ['N', ...featureShape])],
    },
  } as Model;
}
