import { HeadstartError } from '../base/errors.ts';
import type { HeadLayer } from './layer.ts';

const largestSize = 65_536;

/** Every layer type with the keys it takes; `type` is understood. */
const layerKeys: Record<HeadLayer['type'], readonly string[]> = {
  conv2d: ['name', 'filters', 'kernelSize', 'activation'],
  max_pool2d: [],
  global_average_pool2d: [],
  flatten: [],
  dropout: ['rate'],
  dense: ['name', 'units', 'activation'],
};

/**
 * Checks what JSON alone can tell; shapes are checked when the head meets its input.
 *
 * @throws HeadstartError `HEAD_SPEC_INVALID`
 */
export function parseHeadLayers(json: unknown, name: string): HeadLayer[] {
  const layers = (json as { layers?: unknown } | null)?.layers;
  if (!Array.isArray(layers) || layers.length === 0) {
    throw new HeadstartError(
      'HEAD_SPEC_INVALID',
      `${name} must be an object with a list "layers" of at least one layer.`,
    );
  }
  return layers.map((layer, i) => parseLayer(layer, `${name}, layer ${i + 1}`));
}

type Fields = Readonly<Record<string, unknown>>;

function parseLayer(json: unknown, place: string): HeadLayer {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalid(place, 'must be an object such as { "type": "flatten" }');
  }
  const fields = json as Fields;
  const type = fields.type as HeadLayer['type'];
  const known = Object.hasOwn(layerKeys, String(type)) ? layerKeys[type] : undefined;
  if (typeof type !== 'string' || !known) {
    const types = Object.keys(layerKeys).join(', ');
    throw invalid(
      place,
      `has the unknown type ${JSON.stringify(fields.type)}: use one of ${types}`,
    );
  }
  const where = `${place} (${type})`;
  for (const key of Object.keys(fields)) {
    if (key !== 'type' && !known.includes(key)) {
      const keys = known.length > 0 ? known.join(', ') : 'none';
      throw invalid(where, `has the unknown key "${key}": its keys are ${keys}`);
    }
  }
  return layerOf(type, fields, where);
}

function layerOf(type: HeadLayer['type'], fields: Fields, where: string): HeadLayer {
  switch (type) {
    case 'conv2d':
      return {
        type,
        ...nameOf(fields, where),
        filters: sizeOf(fields, 'filters', where),
        kernelSize: kernelSizeOf(fields, where),
        ...activationOf(fields, where),
      };
    case 'dense':
      return {
        type,
        ...nameOf(fields, where),
        units: fields.units === 'classes' ? 'classes' : sizeOf(fields, 'units', where),
        ...activationOf(fields, where),
      };
    case 'dropout':
      return { type, rate: rateOf(fields, where) };
    default:
      return { type };
  }
}

function sizeOf(fields: Fields, key: string, where: string): number {
  const value = fields[key];
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= largestSize) {
    return value as number;
  }
  const allowed = key === 'units' ? `${largestSize}, or "classes"` : `${largestSize}`;
  const got = JSON.stringify(value) ?? 'nothing';
  throw invalid(where, `needs "${key}" as an integer from 1 to ${allowed}, not ${got}`);
}

function kernelSizeOf(fields: Fields, where: string): 1 | 3 {
  const value = fields.kernelSize;
  if (value === 1 || value === 3) return value;
  throw invalid(where, `needs "kernelSize" 1 or 3, not ${JSON.stringify(value) ?? 'nothing'}`);
}

function rateOf(fields: Fields, where: string): number {
  const value = fields.rate;
  if (typeof value === 'number' && value >= 0 && value < 1) return value;
  const got = JSON.stringify(value) ?? 'nothing';
  throw invalid(where, `needs "rate" from 0 to below 1, not ${got}`);
}

function activationOf(fields: Fields, where: string): { activation?: 'relu' | 'linear' } {
  const value = fields.activation;
  if (value === undefined) return {};
  if (value === 'relu' || value === 'linear') return { activation: value };
  const hint = value === 'softmax' ? '; softmax is part of the loss, leave it out' : '';
  throw invalid(where, `needs "activation" relu or linear, not ${JSON.stringify(value)}${hint}`);
}

function nameOf(fields: Fields, where: string): { name?: string } {
  const value = fields.name;
  if (value === undefined) return {};
  if (typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(value)) {
    return { name: value };
  }
  throw invalid(
    where,
    `needs a "name" of letters, digits and _ that begins with a letter, not ${JSON.stringify(value)}`,
  );
}

function invalid(where: string, what: string): HeadstartError {
  return new HeadstartError('HEAD_SPEC_INVALID', `${where} ${what}.`);
}
