/** JSON Schemas of what the server takes and answers, for its OpenAPI document. */

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const share: Schema = { type: 'number', minimum: 0, maximum: 1 };

const flag: Schema = { type: 'boolean' };
const hash: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const decisions = ['keep', 'relabel', 'remove'];
const action: Schema = { enum: [...decisions, 'remove-from-training'] };

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
    label: {
      ...text,
      description: 'The most probable class, or "unknown" below the threshold of the server',
    },
    probability: { ...share, description: 'Of the most probable class' },
    top: { ...list(ref('RankedClass')), minItems: 1 },
  }),
  Unreadable: object({ file: text, error: object({ code: text, message: text }) }),
  Predictions: object({
    run: { ...text, description: 'Name of the run that labelled the images' },
    predictions: list({ anyOf: [ref('Prediction'), ref('Unreadable')] }),
  }),
  Labels: object({ labels: list(text) }),
  Health: object({ status: { const: 'ok' }, run: text }),
  Run: object({
    run: text,
    classes: list(text),
    created: { type: 'string', format: 'date-time' },
    backbone: nullable(text),
    untrained: { ...flag, description: 'The backbone has random weights' },
    accuracy: share,
    interval: { ...list(share), minItems: 2, maxItems: 2, description: '95 %, of the accuracy' },
    validation_images: count,
    edits: { ...flag, description: 'Whether labels may be corrected and heads trained' },
    data: { ...nullable(text), description: 'Folder of the run’s images, where it is there' },
    corrections: count,
    why_no_training: nullable(text),
    max_images: count,
    max_body_bytes: count,
  }),
  Mistakes: object({
    run: { ...text, description: 'Name of the run whose mistakes these are' },
    total: count,
    images: { ...flag, description: 'Whether the images are there to be shown' },
    mistakes: list(ref('Mistake')),
  }),
  Mistake: object({
    index: count,
    file: text,
    label: text,
    predicted: text,
    probability: share,
    label_probability: share,
    correction: nullable(object({ action, label: text })),
  }),
  CorrectionRequest: object({ action: { enum: decisions }, label: text }, ['label']),
  Correction: object({ hash, file: text, action, label: text, corrections: count }),
  AddedImage: object({ file: text, hash, existed: flag }),
  Training: object({
    status: {
      enum: ['idle', 'preparing', 'training', 'saving', 'ready', 'failed', 'cancelled'],
      description: 'ready: the new run is served, and complete on disk',
    },
    epochs: { ...count, description: 'At most' },
    history: list(ref('Epoch')),
    train_seconds: nullable({ type: 'number' }),
    run: { ...nullable(text), description: 'Name of the new run, once it is served' },
    accuracy: nullable(share),
    error: nullable(text),
  }),
  Epoch: object({
    epoch: count,
    loss: { type: 'number' },
    accuracy: share,
    valLoss: { type: 'number' },
    valAccuracy: share,
    learningRate: { type: 'number' },
    seconds: { type: 'number' },
  }),
};

export { ref };
