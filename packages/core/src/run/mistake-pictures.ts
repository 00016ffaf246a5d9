import { readFile } from 'node:fs/promises';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import type { SamplePrediction } from '../evaluate/index.ts';
import type { HeadExplainer } from '../head/index.ts';
import { type Fit, overlayHeat, readPicture, type Size, unreadableReason } from '../image/index.ts';
import { type Thumbnail, thumbnail } from '../page/index.ts';

/** A wrong prediction as a page shows it. */
export interface MistakePictures {
  readonly picture: Thumbnail;
  /** What speaks for the class that was called, and for the true one; undefined without features. */
  readonly heat?: { readonly predicted: Thumbnail; readonly label: Thumbnail } | undefined;
}

export interface MistakePictureOptions extends OperationOptions {
  /** The image file of a sample, by its name. */
  readonly pathOf: (name: string) => string;
  /** Explains the head's predictions; undefined where it cannot. */
  readonly explainer?: HeadExplainer | undefined;
  /** Features of one sample, by its name; undefined where they are not at hand. */
  readonly featuresOf: (name: string) => Float32Array | undefined;
  /** The backbone's input. */
  readonly input: Size & { readonly fit?: Fit | undefined };
}

/** Of a thumbnail's longer side. */
const size = 150;

/** Small pictures of mistakes, by sample name. Files are read and decoded side by side. */
export async function mistakePictures(
  mistakes: readonly SamplePrediction[],
  options: MistakePictureOptions,
): Promise<Map<string, MistakePictures>> {
  const entries = mistakes.map(
    async (mistake) => [mistake.name, await picturesOf(mistake, options)] as const,
  );
  return new Map(await Promise.all(entries));
}

async function picturesOf(
  { name, label, predicted }: SamplePrediction,
  { pathOf, explainer, featuresOf, input, signal }: MistakePictureOptions,
): Promise<MistakePictures> {
  const path = pathOf(name);
  try {
    const picture = await readPicture(await readFile(path), size, path);
    signal?.throwIfAborted();
    const features = explainer && featuresOf(name);
    const explained = features && explainer.explain(features);
    const heatOf = async (one: number): Promise<Thumbnail> => {
      const pixels = overlayHeat(
        picture,
        (explained as NonNullable<typeof explained>).heatMap(one),
        { input },
      );
      return thumbnail({ ...picture, pixels }, { size });
    };
    return {
      picture: await thumbnail(picture, { size }),
      heat: explained && { predicted: await heatOf(predicted), label: await heatOf(label) },
    };
  } catch (error) {
    signal?.throwIfAborted();
    const known = error instanceof HeadstartError && error.code === 'IMAGE_UNREADABLE';
    const reason = known ? unreadableReason(error) : `it cannot be read (${reasonOf(error)})`;
    return { picture: { reason } };
  }
}
