import type { TensorMap } from './native-module.ts';
import { requireArray, requireFloat32Array, requireInteger, requireObject } from './validate.ts';

/**
 * Tensors by name, each with as many numbers as its shape says. Whether the names and shapes are
 * those of the head is checked by the addon.
 *
 * @throws NativeError `INVALID_ARGUMENT`
 */
export function requireTensors(name: string, value: unknown): Readonly<TensorMap> {
  const tensors = requireObject(name, value);
  for (const [key, entry] of Object.entries(tensors)) {
    const tensor = requireObject(`${name}["${key}"]`, entry);
    const shape = requireArray(`${name}["${key}"].shape`, tensor.shape).map((side, i) =>
      requireInteger(`${name}["${key}"].shape[${i}]`, side, 0, 2 ** 31 - 1),
    );
    const size = shape.reduce((product, side) => product * side, 1);
    requireFloat32Array(`${name}["${key}"].data`, tensor.data, size);
  }
  return tensors as unknown as TensorMap;
}
