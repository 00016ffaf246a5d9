import { namedPreprocessing } from '../onnx/index.ts';
import { resizeOptions } from '../options/index.ts';
import type { ImageSettings } from './file.ts';
import { type FoundSettings, type Json, type Refuse, threeNumbers } from './maker-json.ts';

/** Where a config.json of timm's says it: in newer ones under `pretrained_cfg`. */
function settingsOf(json: Json): Json {
  return (json.pretrained_cfg as Json | undefined) ?? json;
}

export function isTimmConfig(json: Json): boolean {
  const { mean, std, input_size: size } = settingsOf(json);
  return mean !== undefined && std !== undefined && size !== undefined;
}

/** Of what timm does in evaluation: `transforms_imagenet_eval` of timm 1.0. */
export function timmSettings(json: Json, refuse: Refuse): FoundSettings {
  const settings = settingsOf(json);
  const scale = 1 / 255;
  const mean = threeNumbers(settings, 'mean', refuse);
  const deviation = threeNumbers(settings, 'std', refuse);
  const { input_size: input, interpolation } = settings;
  const [channels, height, width] = Array.isArray(input) ? input : [];
  if (channels !== 3 || !Number.isInteger(height) || height !== width) {
    throw refuse(`has the input_size ${JSON.stringify(input)}, not a square of three colours`);
  }
  const resize = resizeOptions.resize.kind.read?.(String(interpolation));
  if (resize === undefined) throw refuse(`has the interpolation ${JSON.stringify(interpolation)}`);
  return {
    pixels: namedPreprocessing({ scale, mean, deviation }),
    images: { resize, fit: fitOf(settings, height, refuse) },
    size: { height, width },
  };
}

function fitOf(settings: Json, size: number, refuse: Refuse): ImageSettings['fit'] {
  const { crop_pct: share = 0.875, crop_mode: mode = 'center' } = settings;
  const pixels = Math.floor(size / Number(share));
  if (!(Number(share) > 0) || pixels > 9999)
    throw refuse(`has the crop_pct ${JSON.stringify(share)}`);
  if (mode === 'center') return `shorter-${pixels}`;
  if (mode === 'squash') return `stretch-${pixels}`;
  throw refuse(`has the crop_mode ${JSON.stringify(mode)}`);
}
