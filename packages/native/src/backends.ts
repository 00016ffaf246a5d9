import { binding } from './binding.ts';
import { callNative } from './errors.ts';
import type { BackendInfo } from './native-module.ts';

/**
 * What can train on this machine, in order of preference for correctness: `cpu`, then `cuda`.
 *
 * @throws NativeError `ADDON_MISSING`
 */
export function backends(): BackendInfo[] {
  return callNative(() => binding().backends());
}
