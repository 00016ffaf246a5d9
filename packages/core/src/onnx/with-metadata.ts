import { decodeModel, encodeModel, metadataProps, modelMetadata } from './onnx-model.ts';

/** The model with these entries in its metadata, which replace those of the same name. */
export function withMetadata(
  bytes: Uint8Array,
  file: string,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const model = decodeModel(bytes, file);
  return encodeModel({
    ...model,
    metadataProps: metadataProps({ ...modelMetadata(model), ...metadata }),
  });
}
