import { HeadstartError } from '../base/errors.ts';
import { lastDenseLayer } from './class-scores.ts';
import { producersOf } from './graph.ts';
import { allNodes } from './graph-walk.ts';
import { chooseOutput, type OutputChoice } from './inspect.ts';
import {
  elementType,
  type Graph,
  type GraphNode,
  type Model,
  metadataProps,
  modelMetadata,
  node,
  tensorTypeOf,
  valueInfo,
} from './onnx-model.ts';

/** A model, or what is left of it, and what of its outputs is meant. */
export interface ChosenPart {
  readonly model: Model;
  readonly choice: Pick<OutputChoice, 'output' | 'tokens'>;
}

/**
 * A classifier without its last dense layer and what follows it, where that is asked for: its only output is what
 * the layer is given, [N, d]. The layer's name stands in the metadata, as `cut_layer`.
 *
 * @throws HeadstartError `USAGE` where the output does not come from a dense layer; as `describeModel`
 */
export function chosenPart(
  model: Model,
  file: string,
  { output, tokens, cutClassifier }: OutputChoice,
): ChosenPart {
  if (!cutClassifier) return { model, choice: { output, tokens } };
  const graph = model.graph ?? {};
  const chosen = chooseOutput(graph.output ?? [], output, file);
  const name = chosen.name ?? '';
  const isVector = tensorTypeOf(chosen).dims?.length === 2;
  const layer = isVector ? lastDenseLayer(graph, name) : undefined;
  if (!layer) {
    throw new HeadstartError(
      'USAGE',
      `${file} is not a classifier that ends in a dense layer (its output "${name}" does not come from one): leave out \`cutClassifier\`.`,
      { option: 'cutClassifier' },
    );
  }
  const before = neededFor(graph, layer.input);
  const vector = `${layer.input}/vector`;
  const cut = {
    ...model,
    metadataProps: metadataProps({ ...modelMetadata(model), cut_layer: layer.name }),
    graph: {
      ...before,
      // No change of what a dense layer is given, but for its axes of length 1.
      node: [...(before.node ?? []), node('Flatten', [layer.input], vector, { axis: 1 })],
      output: [valueInfo(vector, elementType.float32, ['N', layer.size ?? 'features'])],
    },
  };
  return { model: cut as Model, choice: { tokens } };
}

/** The part of a graph that makes a tensor. */
function neededFor(graph: Graph, tensor: string): Graph {
  const producers = producersOf(graph.node ?? []);
  const needed = new Set<string>();
  const kept = new Set<GraphNode>();
  const open = [tensor];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    needed.add(name);
    const made = producers.get(name);
    if (!made || kept.has(made)) continue;
    kept.add(made);
    // Bodies of control flow see the tensors around them.
    for (const { input } of allNodes({ graph: { node: [made] }, functions: [] }))
      open.push(...(input ?? []));
  }
  const isNeeded = ({ name }: { readonly name?: string | null }) => needed.has(name ?? '');
  return {
    ...graph,
    node: (graph.node ?? []).filter((one) => kept.has(one)),
    initializer: (graph.initializer ?? []).filter(isNeeded),
    sparseInitializer: (graph.sparseInitializer ?? []).filter(({ values }) =>
      isNeeded(values ?? {}),
    ),
    input: (graph.input ?? []).filter(isNeeded),
    valueInfo: (graph.valueInfo ?? []).filter(isNeeded),
  };
}
