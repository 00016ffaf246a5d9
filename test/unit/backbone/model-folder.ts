import { type LocateOptions, locateBackbone } from '#core/backbone';
import { testFolder } from '../../util/workspace.ts';
import { type SmallModel, writeSmallModel } from './models.ts';

/** A folder that all tests of a file share, for small models and for what is adapted of them. */
export function modelFolder() {
  const folder = testFolder();
  let count = 0;
  return {
    folder,
    /** Writes a model under a name of its own. */
    write: (model: SmallModel) => writeSmallModel(folder.at(`model-${count++}.onnx`), model),
    locate: (path: string, options: Partial<LocateOptions> = {}) =>
      locateBackbone(path, { modelsDir: folder.at('models'), ...options }),
  };
}
