import { digestOfBackbone, preprocessingText } from '../onnx/index.ts';
import {
  cachedHubModel,
  type HubModel,
  type PullHubOptions,
  pullHubModel,
} from '../weights/index.ts';
import type { BackboneFile, LocateOptions } from './file.ts';
import { makerSettingsBeside } from './maker-settings.ts';
import { locateUserFile } from './user-file.ts';

/** A backbone as `pullWeights` gives it; of Hugging Face's, with commit and licence. */
export interface PulledBackbone extends BackboneFile {
  readonly revision?: string | undefined;
  readonly license?: string | undefined;
}

/** Fetches a model of Hugging Face into the cache of its programs; which output and tokens are meant is said later. */
export async function pullHubBackbone(
  spec: string,
  options: PullHubOptions,
): Promise<PulledBackbone> {
  const model = await pullHubModel(spec, options);
  const { path, revision, license } = model;
  const settings = await makerSettingsBeside(path).catch(() => undefined);
  return {
    path,
    name: model.name,
    sha256: await digestOfBackbone(path),
    untrained: false,
    preprocessing: settings ? preprocessingText(settings.pixels) : 'unknown',
    ...(settings ? { images: settings.images } : {}),
    precision: 'float32',
    source: sourceOf(model),
    revision,
    ...(license === undefined ? {} : { license }),
  };
}

/** A model of Hugging Face in the form of our own; fetched where it is not here. */
export async function locateHub(spec: string, options: LocateOptions): Promise<BackboneFile> {
  const model = (await cachedHubModel(spec)) ?? (await fetchFirst(spec, options));
  const name = model.name.replace('/', '--');
  return locateUserFile(model.path, options, { name, source: sourceOf(model) });
}

async function fetchFirst(
  spec: string,
  { signal, onProgress, onNotice }: LocateOptions,
): Promise<HubModel> {
  onNotice?.({ level: 'info', text: `${spec} is not here yet and is fetched` });
  const model = await pullHubModel(spec, { signal, onProgress });
  const { revision, license = 'unknown' } = model;
  onNotice?.({ level: 'info', text: `${spec} is here: commit ${revision}, licence ${license}` });
  return model;
}

function sourceOf({ name, revision, license = 'unknown' }: HubModel): string {
  return `hf:${name}@${revision} (licence ${license})`;
}
