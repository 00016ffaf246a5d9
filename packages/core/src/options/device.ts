import { deviceChoices } from '../base/device.ts';
import { choice, integer, onOff } from './kinds.ts';
import { option } from './option.ts';

/** Where to compute. */
export const deviceOptions = {
  /** Default `auto`: the GPU where it can be used, else the CPU, with a notice why. */
  device: option(choice(deviceChoices), { default: 'auto', help: 'where to compute' }),
  /** Fail rather than fall back to the CPU. Default false. */
  requireGpu: option(onOff(), {
    help: 'fail with exit code 5 rather than fall back to the CPU',
  }),
} as const;

export const threadsOption = {
  /** CPU threads; default: one per core. Does not change the result. */
  threads: option(integer({ min: 1 }), { help: 'CPU threads (default: one per core)' }),
} as const;
