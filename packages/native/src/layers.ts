import type { LayerSpec, NativeLayer } from './native-module.ts';
import {
  invalidArgument,
  requireArray,
  requireInteger,
  requireNumber,
  requireObject,
  requireOneOf,
} from './validate.ts';

const types = [
  'conv2d',
  'max_pool2d',
  'global_average_pool2d',
  'flatten',
  'dropout',
  'dense',
] as const satisfies readonly LayerSpec['type'][];

const maxUnits = 2 ** 20;

/**
 * The layers as the addon takes them. Each alone is checked here; whether they fit together (shapes,
 * names, the last layer) is checked by the addon, which has the shapes.
 *
 * @throws NativeError `INVALID_ARGUMENT`
 */
export function nativeLayers(name: string, layers: unknown): NativeLayer[] {
  return requireArray(name, layers, 1).map((layer, i) => nativeLayer(`${name}[${i}]`, layer));
}

function nativeLayer(name: string, value: unknown): NativeLayer {
  const layer = requireObject(name, value);
  const type = requireOneOf(`${name}.type`, layer.type, types);
  const plain = { type, name: '', size: 0, kernelSize: 0, relu: false, rate: 0 };
  switch (type) {
    case 'conv2d':
      return {
        ...plain,
        name: requireName(`${name}.name`, layer.name),
        size: requireInteger(`${name}.filters`, layer.filters, 1, maxUnits),
        kernelSize: requireKernelSize(`${name}.kernelSize`, layer.kernelSize),
        relu: isRelu(name, layer.activation),
      };
    case 'dense':
      return {
        ...plain,
        name: requireName(`${name}.name`, layer.name),
        size: requireInteger(`${name}.units`, layer.units, 1, maxUnits),
        relu: isRelu(name, layer.activation),
      };
    case 'dropout':
      return {
        ...plain,
        rate: requireNumber(
          `${name}.rate`,
          layer.rate,
          'a number from 0 up to, but not, 1',
          (rate) => rate >= 0 && rate < 1,
        ),
      };
    default:
      return plain;
  }
}

function requireName(name: string, value: unknown): string {
  if (typeof value !== 'string' || !/^[\w.-]{1,200}$/.test(value)) {
    throw invalidArgument(name, 'a name of letters, digits, "_", "-" and "."', value);
  }
  return value;
}

function requireKernelSize(name: string, value: unknown): 1 | 3 {
  if (value !== 1 && value !== 3) throw invalidArgument(name, '1 or 3', value);
  return value;
}

function isRelu(name: string, activation: unknown): boolean {
  if (activation === undefined) return false;
  return requireOneOf(`${name}.activation`, activation, ['relu', 'linear']) === 'relu';
}
