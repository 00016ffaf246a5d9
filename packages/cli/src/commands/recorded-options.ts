import { headOfRun, type RunRecord, type TrainJobOptions } from '@headstart/core';
import { type TrainOptions, trainJobOptions } from './train.ts';

/** What the command at hand decides, and not the one that trained. */
type Here = Pick<
  TrainJobOptions,
  'data' | 'cacheDir' | 'modelsDir' | 'device' | 'requireGpu' | 'threads'
>;

/**
 * The options that a run was trained with, to train again; undefined where it was trained on
 * feature files, which know no images. `data` is by default where the run found its images.
 */
export function recordedTrainOptions(record: RunRecord, here: Here): TrainJobOptions | undefined {
  const recorded = record.arguments as unknown as TrainJobOptions & TrainOptions;
  if (recorded.features !== undefined) return undefined;
  const data = here.data ?? record.data.root;
  const options = isOfCommandLine(recorded) ? trainJobOptions(recorded) : recorded;
  return {
    ...options,
    ...here,
    data,
    // The file that described the layers may be gone; the run knows them.
    head: headOfRun(record),
    backbone: record.backbone?.untrained ? record.backbone.name : options.backbone,
    resume: false,
    init: undefined,
    recordedArguments: { ...recorded, data },
  };
}

/** The library records its own options, of which `earlyStopping` is no switch. */
function isOfCommandLine(recorded: { readonly earlyStopping?: unknown }): boolean {
  return typeof recorded.earlyStopping === 'boolean';
}
