import type { Graph, GraphNode, Model, TensorProto } from './onnx-model.ts';

/**
 * Every node that a model may run: of its graph, of the bodies of control flow (`If`, `Loop`, `Scan`)
 * at any depth, and of its own functions.
 */
export function* allNodes({
  graph,
  functions,
}: Pick<Model, 'graph' | 'functions'>): Generator<GraphNode> {
  if (graph) yield* nodesInside(graph.node);
  for (const { node } of functions ?? []) yield* nodesInside(node);
}

/** Every constant of a model, wherever it stands: initializers, sparse ones, and attributes of any node. */
export function* allTensors(model: Pick<Model, 'graph' | 'functions'>): Generator<TensorProto> {
  if (model.graph) yield* initializersOf(model.graph);
  for (const { attribute } of allNodes(model)) {
    for (const one of attribute ?? []) {
      yield* present([one.t, ...(one.tensors ?? [])]);
      for (const sparse of present([one.sparseTensor, ...(one.sparseTensors ?? [])])) {
        yield* present([sparse.values, sparse.indices]);
      }
      // The nodes of these graphs come by themselves.
      for (const graph of graphsOf(one)) yield* initializersOf(graph);
    }
  }
}

function* nodesInside(nodes: Graph['node']): Generator<GraphNode> {
  for (const one of nodes ?? []) {
    yield one;
    for (const attribute of one.attribute ?? []) {
      for (const graph of graphsOf(attribute)) yield* nodesInside(graph.node);
    }
  }
}

function graphsOf({ g, graphs }: NonNullable<GraphNode['attribute']>[number]): Graph[] {
  return present([g, ...(graphs ?? [])]);
}

function* initializersOf({ initializer, sparseInitializer }: Graph): Generator<TensorProto> {
  yield* initializer ?? [];
  for (const { values, indices } of sparseInitializer ?? []) yield* present([values, indices]);
}

function present<T>(values: readonly (T | null | undefined)[]): T[] {
  return values.filter((value) => value !== null && value !== undefined);
}
