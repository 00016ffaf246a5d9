import { allNodes } from './graph-walk.ts';
import type { GraphNode, Model, TensorProto } from './onnx-model.ts';

/**
 * The first node that does in a model what is for training only: BatchNormalization that normalizes by the
 * batch, or Dropout that drops. The features of an image would depend on its batch, or on chance.
 */
export function nodeInTraining(model: Model): GraphNode | undefined {
  const nodes = [...allNodes(model)];
  const opset = Number(model.opsetImport.find(({ domain }) => !domain)?.version ?? 1);
  const constants = constantTensors(model, nodes);
  return nodes.find((one) => {
    if (one.opType === 'BatchNormalization') return normalizesByBatch(one, opset);
    return one.opType === 'Dropout' && drops(one, opset, constants);
  });
}

/** `training_mode` since opset 14; before, what has the outputs of training. */
function normalizesByBatch(one: GraphNode, opset: number): boolean {
  if (opset >= 14) return numberOf(one, 'training_mode') === 1;
  const isTest = opset < 7 && numberOf(one, 'is_test') === 1;
  return !isTest && (one.output ?? []).filter((name) => name !== '').length > 1;
}

/** The third input since opset 12; before opset 7, all without `is_test`. */
function drops(
  { input, ...one }: GraphNode,
  opset: number,
  constants: ReadonlyMap<string, TensorProto>,
): boolean {
  if (opset < 7) return numberOf(one, 'is_test') !== 1;
  const mode = opset < 12 ? undefined : constants.get(input?.[2] ?? '');
  return (mode?.rawData?.[0] ?? mode?.int32Data?.[0] ?? 0) !== 0;
}

function numberOf({ attribute }: GraphNode, name: string): number | undefined {
  const found = attribute?.find((one) => one.name === name);
  return found && Number(found.i ?? 0);
}

function constantTensors(model: Model, nodes: readonly GraphNode[]): Map<string, TensorProto> {
  const constants = new Map((model.graph?.initializer ?? []).map((t) => [t.name ?? '', t]));
  for (const { opType, output, attribute } of nodes) {
    const tensor = opType === 'Constant' ? attribute?.find(({ t }) => t)?.t : undefined;
    if (tensor) constants.set(output?.[0] ?? '', tensor);
  }
  return constants;
}
