/** JSON Schemas of what the server takes and answers, for its OpenAPI document. */

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const share: Schema = { type: 'number', minimum: 0, maximum: 1 };

/** An object that has every one of these properties and no other. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
) {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

function list(items: Schema): Schema {
  return { type: 'array', items };
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

export const apiSchemas: Readonly<Record<string, Schema>> = {
  Error: object({
    error: object({ code: { type: 'string', pattern: '^[A-Z][A-Z_]*$' }, message: text }),
  }),
  RankedClass: object({ label: text, probability: share }),
  Prediction: object({
    file: text,
    label: text,
    probability: share,
    top: { ...list(ref('RankedClass')), minItems: 1 },
  }),
  Unreadable: object({ file: text, error: object({ code: text, message: text }) }),
  Predictions: object({
    run: { ...text, description: 'Name of the run that labelled the images' },
    predictions: list({ anyOf: [ref('Prediction'), ref('Unreadable')] }),
  }),
  Labels: object({ labels: list(text) }),
  Health: object({ status: { const: 'ok' }, run: text }),
};

export { count, list, nullable, ref, share, text };
