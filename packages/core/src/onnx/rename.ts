import type { Graph, GraphNode } from './onnx-model.ts';

/** New names. Tensors and nodes are two separate spaces of names. */
export interface Renaming {
  readonly tensor: (name: string) => string;
  readonly node: (name: string) => string;
}

/**
 * The same graph with its tensors and nodes renamed: nodes, constants, declarations and the bodies
 * of control flow alike. The empty name stands for an input that is left out, and stays.
 */
export function renameGraph(graph: Graph, renaming: Renaming): Graph {
  const renamed = (name: string | null | undefined) => (name ? renaming.tensor(name) : '');
  const declared = <T extends { readonly name?: string | null }>(values: T[] | null | undefined) =>
    (values ?? []).map((value) => ({ ...value, name: renamed(value.name) }));
  return {
    ...graph,
    node: (graph.node ?? []).map((original) => renamedNode(original, renaming)),
    initializer: declared(graph.initializer),
    sparseInitializer: (graph.sparseInitializer ?? []).map((sparse) => ({
      ...sparse,
      ...(sparse.values ? { values: { ...sparse.values, name: renamed(sparse.values.name) } } : {}),
    })),
    input: declared(graph.input),
    output: declared(graph.output),
    valueInfo: declared(graph.valueInfo),
  };
}

function renamedNode(original: GraphNode, renaming: Renaming): GraphNode {
  const renamed = (name: string) => (name === '' ? '' : renaming.tensor(name));
  return {
    ...original,
    name: original.name ? renaming.node(original.name) : '',
    input: (original.input ?? []).map(renamed),
    output: (original.output ?? []).map(renamed),
    attribute: (original.attribute ?? []).map((attribute) => ({
      ...attribute,
      ...(attribute.g ? { g: renameGraph(attribute.g, renaming) } : {}),
      ...(attribute.graphs?.length
        ? { graphs: attribute.graphs.map((graph) => renameGraph(graph, renaming)) }
        : {}),
    })),
  };
}

/** A name, or another where ours are called so: a name, or a prefix that ends in `/`. */
export function yielding(name: string, taken: readonly string[]): string {
  const clashes = taken.some((own) => (own.endsWith('/') ? name.startsWith(own) : name === own));
  return clashes ? `own/${name}` : name;
}
