import type { LayerSpec } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import type { HeadLayer } from './layer.ts';
import type { HeadSpec, ParameterShape, ResolvedHead, ResolveOptions } from './spec.ts';

/** 1 GiB of float32; Adam needs three times as much. */
const mostParameters = 2 ** 28;

/** [h, w, c] of a feature map, or [d] of a vector. */
type Shape = readonly number[];

interface Step {
  readonly layer: LayerSpec;
  readonly output: Shape;
  readonly parameters: readonly ParameterShape[];
}

/**
 * Fits a head to its features and number of classes: names its layers as Keras does (`conv2d`,
 * `conv2d_1`, `dense`, `dense_1`) and works out the shape of every parameter.
 *
 * @throws HeadstartError `HEAD_SPEC_INVALID` naming the layer and what to change; `USAGE` for a
 *   dropout rate that is out of range or has no layer to go to
 */
export function resolveHead(spec: HeadSpec, options: ResolveOptions): ResolvedHead {
  const { featureShape, classes, dropout } = options;
  checkInput(spec, featureShape);
  checkDropout(spec, dropout);
  const names = layerNames(spec);
  const layers: LayerSpec[] = [];
  const parameters: ParameterShape[] = [];
  let shape: Shape = featureShape;
  spec.layers.forEach((layer, i) => {
    const place = `Layer ${i + 1} (${layer.type}) of the head ${spec.name}`;
    const step = applyLayer(layer, names[i] as string, shape, { classes, dropout, place });
    const needless = layer.type === 'global_average_pool2d' && shape.length === 1;
    if (!needless) layers.push(step.layer);
    parameters.push(...step.parameters);
    shape = step.output;
  });
  checkOutput(spec, layers, classes);
  const parameterCount = parameters.reduce((sum, p) => sum + sizeOf(p.shape), 0);
  if (parameterCount > mostParameters) {
    throw invalid(
      `The head ${spec.name} has ${parameterCount.toLocaleString('en')} parameters, more than ` +
        `${mostParameters.toLocaleString('en')}: pool before the first dense layer`,
    );
  }
  const inputShape = threeDimensions(featureShape);
  return { name: spec.name, layers, inputShape, classes, parameters, parameterCount };
}

interface Context {
  readonly classes: number;
  readonly dropout: number | undefined;
  readonly place: string;
}

function applyLayer(layer: HeadLayer, name: string, input: Shape, context: Context): Step {
  const { classes, dropout, place } = context;
  switch (layer.type) {
    case 'conv2d': {
      const [h, w, c] = mapShape(input, place);
      const { filters, kernelSize, activation = 'linear' } = layer;
      const kernel = [kernelSize, kernelSize, c, filters];
      return {
        layer: { type: 'conv2d', name, filters, kernelSize, activation },
        output: [h, w, filters],
        parameters: kernelAndBias(name, kernel, filters),
      };
    }
    case 'max_pool2d': {
      const [h, w, c] = mapShape(input, place);
      return withoutParameters({ type: layer.type }, [Math.ceil(h / 2), Math.ceil(w / 2), c]);
    }
    case 'global_average_pool2d':
      return withoutParameters({ type: layer.type }, [input.at(-1) as number]);
    case 'flatten':
      return withoutParameters({ type: layer.type }, [sizeOf(input)]);
    case 'dropout':
      return withoutParameters({ type: 'dropout', rate: dropout ?? layer.rate }, input);
    case 'dense': {
      const [inputs] = vectorShape(input, place);
      const units = layer.units === 'classes' ? classes : layer.units;
      return {
        layer: { type: 'dense', name, units, activation: layer.activation ?? 'linear' },
        output: [units],
        parameters: kernelAndBias(name, [inputs, units], units),
      };
    }
    default:
      return layer satisfies never;
  }
}

function withoutParameters(layer: LayerSpec, output: Shape): Step {
  return { layer, output, parameters: [] };
}

function kernelAndBias(layer: string, kernel: Shape, outputs: number): ParameterShape[] {
  return [
    { name: `${layer}/kernel`, shape: kernel },
    { name: `${layer}/bias`, shape: [outputs] },
  ];
}

function mapShape(shape: Shape, place: string): [number, number, number] {
  if (shape.length === 3) return shape as [number, number, number];
  throw invalid(
    `${place} needs a feature map, but what reaches it is a vector of ${shape[0]} numbers: ` +
      'put it before flatten and global_average_pool2d',
  );
}

function vectorShape(shape: Shape, place: string): [number] {
  if (shape.length === 1) return shape as [number];
  throw invalid(
    `${place} needs a vector, but what reaches it is a feature map of ${shape.join('x')}: ` +
      'put flatten or global_average_pool2d before it',
  );
}

function checkInput({ name, layers }: HeadSpec, shape: Shape): void {
  const valid = shape.every((n) => Number.isInteger(n) && n > 0);
  if (!valid || (shape.length !== 1 && shape.length !== 3)) {
    throw invalid(
      `The head ${name} takes features of shape [height, width, channels] or [size], ` +
        `not [${shape.join(', ')}]`,
    );
  }
  const spatial = layers.find((l) => l.type === 'conv2d' || l.type === 'max_pool2d');
  if (shape.length === 1 && spatial) {
    throw invalid(
      `The head ${name} has a ${spatial.type} layer, which needs a feature map, but this ` +
        `backbone gives vectors of ${shape[0]} numbers: use the head linear or mlp`,
    );
  }
}

function checkDropout({ name, layers }: HeadSpec, dropout: number | undefined): void {
  if (dropout === undefined) return;
  if (!(dropout >= 0 && dropout < 1)) {
    throw new HeadstartError('USAGE', `Dropout must be from 0 to below 1, not ${dropout}.`);
  }
  if (!layers.some((l) => l.type === 'dropout')) {
    throw new HeadstartError(
      'USAGE',
      `The head ${name} has no dropout layer: leave the dropout option out, or use another head.`,
    );
  }
}

/** The last layer gives the logits, from which the loss takes the softmax. */
function checkOutput({ name }: HeadSpec, layers: readonly LayerSpec[], classes: number): void {
  const last = layers.at(-1);
  if (last?.type !== 'dense' || last.activation === 'relu') {
    throw invalid(`The head ${name} must end in a dense layer without activation`);
  }
  if (last.units !== classes) {
    throw invalid(
      `The head ${name} ends in ${last.units} units, but there are ${classes} classes: ` +
        'write "units": "classes"',
    );
  }
}

/** Given names, or Keras's: the type, then the type with _1, _2, …, passing over names in use. */
function layerNames({ name, layers }: HeadSpec): (string | undefined)[] {
  const used = new Set<string>();
  for (const layer of layers) {
    if (!('name' in layer) || layer.name === undefined) continue;
    if (used.has(layer.name)) {
      throw invalid(`The head ${name} has two layers named ${layer.name}: name them apart`);
    }
    used.add(layer.name);
  }
  return layers.map((layer) => {
    if (layer.type !== 'conv2d' && layer.type !== 'dense') return undefined;
    if (layer.name !== undefined) return layer.name;
    let candidate: string = layer.type;
    for (let i = 1; used.has(candidate); i++) candidate = `${layer.type}_${i}`;
    used.add(candidate);
    return candidate;
  });
}

function threeDimensions(shape: Shape): [number, number, number] {
  return shape.length === 1
    ? [1, 1, shape[0] as number]
    : [shape[0] as number, shape[1] as number, shape[2] as number];
}

function sizeOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

function invalid(what: string): HeadstartError {
  return new HeadstartError('HEAD_SPEC_INVALID', `${what}.`);
}
