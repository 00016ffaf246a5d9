import { type BackendInfo, backends, type Compute } from '@headstart/native';
import { cudaObstacle } from '../base/cuda-obstacle.ts';
import { type ChosenDevice, chooseDevice, type DeviceOptions } from '../base/device.ts';

/**
 * Where heads are trained.
 *
 * @throws HeadstartError `GPU_REQUIRED` where a GPU was asked for and cannot be used
 */
export function chooseTrainer(options: DeviceOptions): ChosenDevice {
  return chooseDevice(options, cudaObstacle);
}

/** A backend and its arithmetic, for people. */
export function describeTrainer(name: BackendInfo['name'], compute: Compute): string {
  const description = backends().find((backend) => backend.name === name)?.description ?? name;
  return `${description}, ${compute}`;
}
