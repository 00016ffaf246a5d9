// The messages of ONNX (https://onnx.ai/onnx/repo-docs/IR.html) that are read or written here, as
// onnx-proto has them. Its own declarations want a global type of another package, which a program
// that uses the library does not have.

/** An integer of 64 bits: where it is not a number, it has this method. */
export type Integer = number | { toNumber(): number };

type Optional<T> = { [Name in keyof T]?: T[Name] | null };

export type TextEntry = Optional<{ key: string; value: string }>;

export type OperatorSet = Optional<{ domain: string; version: Integer }>;

export type TensorProto = Optional<{
  dims: Integer[];
  dataType: number;
  floatData: number[];
  int32Data: number[];
  int64Data: Integer[];
  stringData: Uint8Array[];
  doubleData: number[];
  uint64Data: Integer[];
  name: string;
  docString: string;
  rawData: Uint8Array;
  externalData: TextEntry[];
  dataLocation: number;
}>;

export type SparseTensor = Optional<{ values: TensorProto; indices: TensorProto; dims: Integer[] }>;

export type Dimension = Optional<{ dimValue: Integer; dimParam: string }>;

export type TensorType = Optional<{ elemType: number; shape: Optional<{ dim: Dimension[] }> }>;

export type ValueInfo = Optional<{
  name: string;
  type: Optional<{ tensorType: TensorType; denotation: string }>;
  docString: string;
}>;

export type Attribute = Optional<{
  name: string;
  docString: string;
  type: number;
  f: number;
  i: Integer;
  s: Uint8Array;
  t: TensorProto;
  g: Graph;
  floats: number[];
  ints: Integer[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: Graph[];
  sparseTensor: SparseTensor;
  sparseTensors: SparseTensor[];
}>;

export type GraphNode = Optional<{
  input: string[];
  output: string[];
  name: string;
  opType: string;
  domain: string;
  attribute: Attribute[];
  docString: string;
}>;

export type Graph = Optional<{
  node: GraphNode[];
  name: string;
  initializer: TensorProto[];
  sparseInitializer: SparseTensor[];
  docString: string;
  input: ValueInfo[];
  output: ValueInfo[];
  valueInfo: ValueInfo[];
}>;

export type ModelFunction = Optional<{
  name: string;
  domain: string;
  input: string[];
  output: string[];
  attribute: string[];
  node: GraphNode[];
  opsetImport: OperatorSet[];
  docString: string;
}>;

/** What is put together here, and not read from a file. */
export type EncodableModel = Optional<{
  irVersion: Integer;
  opsetImport: OperatorSet[];
  producerName: string;
  producerVersion: string;
  domain: string;
  modelVersion: Integer;
  docString: string;
  graph: Graph;
  metadataProps: TextEntry[];
  functions: ModelFunction[];
}>;

/** A model that was read: its lists are there, if empty. */
export type Model = EncodableModel &
  Required<{
    [Name in 'opsetImport' | 'metadataProps' | 'functions']: NonNullable<EncodableModel[Name]>;
  }> & { toJSON(): object };
