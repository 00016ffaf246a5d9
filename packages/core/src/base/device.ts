import { HeadstartError } from './errors.ts';

/**
 * What `device` may be.
 *
 * @example
 * ```ts
 * console.log(deviceChoices.join(', ')); // auto, cuda, cpu
 * ```
 */
export const deviceChoices = ['auto', 'cuda', 'cpu'] as const;

export type DeviceChoice = (typeof deviceChoices)[number];
export type Device = 'cuda' | 'cpu';

export interface DeviceOptions {
  /** Default `auto`: the GPU where it can be used, else the CPU, with a notice why. */
  readonly device?: DeviceChoice | undefined;
  /** Refuse the CPU. Default false. */
  readonly requireGpu?: boolean | undefined;
}

export interface ChosenDevice {
  readonly device: Device;
  /** Why the GPU is not used, where it might have been. */
  readonly notice?: string | undefined;
}

/**
 * The one place that decides where something runs. A GPU that was asked for is never silently
 * replaced. `obstacle`: why the GPU cannot be used, as far as can be told without trying.
 *
 * @throws HeadstartError `GPU_REQUIRED` where a GPU was asked for and cannot be used
 */
export function chooseDevice(
  { device = 'auto', requireGpu = false }: DeviceOptions,
  obstacle: () => string | undefined,
): ChosenDevice {
  if (device === 'cpu') {
    if (!requireGpu) return { device: 'cpu' };
    throw new HeadstartError('GPU_REQUIRED', 'A GPU is required, but the device cpu was chosen.');
  }
  const reason = obstacle();
  return reason === undefined ? { device: 'cuda' } : withoutGpu({ device, requireGpu }, reason);
}

/**
 * What happens where the GPU cannot be used: an error where it was asked for, else the CPU.
 *
 * @throws HeadstartError `GPU_REQUIRED`
 */
export function withoutGpu(
  { device = 'auto', requireGpu = false }: DeviceOptions,
  obstacle: string,
): ChosenDevice {
  if (device !== 'auto' || requireGpu) {
    throw new HeadstartError('GPU_REQUIRED', `A GPU is required and cannot be used: ${obstacle}.`);
  }
  return { device: 'cpu', notice: `The CPU is used: ${obstacle}.` };
}
