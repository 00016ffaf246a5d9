import { NativeError } from '@headstart/native';
import { HeadstartError, reasonOf } from '../base/errors.ts';

/**
 * What a native failure means to a user. An abort becomes the signal's reason; anything that is not
 * a native failure passes through.
 */
export function translateNativeError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (!(error instanceof NativeError)) return error;
  const because = { cause: error };
  switch (error.code) {
    case 'ABORTED':
      return signal?.aborted ? signal.reason : error;
    case 'DEVICE_UNAVAILABLE':
      return new HeadstartError('GPU_REQUIRED', reasonOf(error), because);
    case 'DEVICE_FAILED':
      return new HeadstartError('TRAINING_FAILED', reasonOf(error), because);
    case 'OUT_OF_MEMORY':
      // What is missing on the GPU comes with what to do about it.
      if (error.message.startsWith('The GPU')) {
        return new HeadstartError('TRAINING_FAILED', reasonOf(error), because);
      }
      return new HeadstartError(
        'TRAINING_FAILED',
        `There is not enough memory to train (${reasonOf(error)}): use fewer views, a smaller ` +
          'batch size, or the linear head.',
        because,
      );
    case 'ADDON_MISSING':
      return new HeadstartError('TRAINING_FAILED', reasonOf(error), because);
    default:
      return new HeadstartError('INTERNAL', `The head trainer failed: ${reasonOf(error)}`, because);
  }
}
