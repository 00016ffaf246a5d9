import { headOfRun, optionsOfRun, type RunRecord, type TrainOptions } from '@headstart/core';

/** What the command at hand decides, and not the one that trained. */
type Here = Pick<
  TrainOptions,
  'data' | 'cacheDir' | 'modelsDir' | 'device' | 'requireGpu' | 'threads'
>;

/**
 * The options that a run was trained with, to train again; undefined where it was trained on
 * feature files, which have no images. `data` is by default where the run found its images.
 */
export function recordedTrainOptions(record: RunRecord, here: Here): TrainOptions | undefined {
  const recorded = optionsOfRun(record);
  if (recorded.features !== undefined) return undefined;
  const data = here.data ?? record.data.root;
  return {
    ...recorded,
    ...here,
    data,
    // The file that described the layers may be gone; the run has them.
    head: headOfRun(record),
    backbone: record.backbone?.untrained ? record.backbone.name : recorded.backbone,
    init: undefined,
    recordedArguments: { ...record.arguments, data },
  };
}
