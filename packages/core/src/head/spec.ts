import type { LayerSpec } from '@headstart/native';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { readRegularText } from '../base/regular-file.ts';
import type { HeadLayer } from './layer.ts';
import { parseHeadLayers } from './spec-parse.ts';

/** A head before it meets its input: what `--head` names. */
export interface HeadSpec {
  /** `conv`, `linear`, `mlp`, or the base name of the JSON file. */
  readonly name: string;
  readonly layers: readonly HeadLayer[];
}

export const headPresetNames = ['conv', 'linear', 'mlp'] as const;
export type HeadPreset = (typeof headPresetNames)[number];

/** One trainable tensor, in Keras's name and layout. */
export interface ParameterShape {
  /** `${layer}/kernel` or `${layer}/bias`. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** A head made to fit one input and one number of classes. */
export interface ResolvedHead {
  readonly name: string;
  /** For the native trainer and for ONNX export. */
  readonly layers: readonly LayerSpec[];
  /** [h, w, c]; vectors of D numbers are [1, 1, D]. */
  readonly inputShape: readonly [number, number, number];
  readonly classes: number;
  readonly parameters: readonly ParameterShape[];
  readonly parameterCount: number;
}

export interface ResolveOptions {
  /** The features' shape: [h, w, c] or [d]. */
  readonly featureShape: readonly number[];
  readonly classes: number;
  /** Replaces the rate of every dropout layer. */
  readonly dropout?: number | undefined;
}

const presets: Record<HeadPreset, readonly HeadLayer[]> = {
  /** The head of the original Keras script. */
  conv: [
    { type: 'conv2d', filters: 32, kernelSize: 3, activation: 'relu' },
    { type: 'max_pool2d' },
    { type: 'dropout', rate: 0.25 },
    { type: 'conv2d', filters: 64, kernelSize: 3, activation: 'relu' },
    { type: 'max_pool2d' },
    { type: 'flatten' },
    { type: 'dense', units: 128, activation: 'relu' },
    { type: 'dense', units: 'classes' },
  ],
  linear: [{ type: 'global_average_pool2d' }, { type: 'dense', units: 'classes' }],
  mlp: mlpLayers(256),
};

function mlpLayers(units: number): readonly HeadLayer[] {
  return [
    { type: 'global_average_pool2d' },
    { type: 'dense', units, activation: 'relu' },
    { type: 'dropout', rate: 0.25 },
    { type: 'dense', units: 'classes' },
  ];
}

/**
 * A head by its preset's name.
 *
 * @example
 * ```ts
 * const head = headPreset('mlp');
 * ```
 */
export function headPreset(name: HeadPreset): HeadSpec {
  return { name, layers: presets[name] };
}

/** The head where none is named: the original one needs a map. */
export function defaultHead(featureShape: readonly number[]): HeadSpec {
  return headPreset(featureShape.length === 1 ? 'mlp' : 'conv');
}

/**
 * The head that `--head` names: a preset, `mlp-N` with N units for 256, or a JSON file `{ "layers": [...] }`.
 *
 * @throws HeadstartError `HEAD_SPEC_INVALID`
 */
export async function loadHeadSpec(spec: string): Promise<HeadSpec> {
  if ((headPresetNames as readonly string[]).includes(spec)) return headPreset(spec as HeadPreset);
  const units = Number(/^mlp-(\d{1,5})$/.exec(spec)?.[1] ?? 0);
  if (units > 0) return { name: spec, layers: mlpLayers(units) };
  if (!spec.toLowerCase().endsWith('.json')) {
    throw new HeadstartError(
      'HEAD_SPEC_INVALID',
      `There is no head "${spec}": use conv, linear, mlp, mlp-64 (or another width), or a FILE.json.`,
    );
  }
  let text: string;
  try {
    text = await readRegularText(spec);
  } catch (error) {
    const why = reasonOf(error);
    throw new HeadstartError('HEAD_SPEC_INVALID', `Cannot read the head ${spec}: ${why}.`, {
      cause: error,
    });
  }
  return parseHeadSpec(text, spec);
}

/**
 * A head from JSON text, checked layer by layer.
 *
 * @param name the file's path, for messages and as the head's name
 * @throws HeadstartError `HEAD_SPEC_INVALID` naming the layer (counted from 1) and what to change
 */
export function parseHeadSpec(text: string, name: string): HeadSpec {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new HeadstartError('HEAD_SPEC_INVALID', `${name} is not JSON: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
  const base = name.replace(/^.*[\\/]/, '').replace(/\.json$/i, '');
  return { name: base, layers: parseHeadLayers(json, name) };
}
