import { HeadstartError } from '../base/errors.ts';
import { int64Tensor, type Model, node } from './onnx-model.ts';
import type { GraphPart } from './preprocessing.ts';

/**
 * What of a transformer's tokens [N, tokens, d] the features are: the class token, which comes first, the mean
 * of the patch tokens, which come last, or both, one after the other.
 */
export type TokenChoice = 'cls' | 'mean' | 'cls+mean';

export interface TokenOutput {
  readonly choice: TokenChoice;
  /** Tokens of an image, where the model declares how many. */
  readonly count: number | undefined;
  /** Patches of an image; undefined where the model does not show them. */
  readonly patches: number | undefined;
}

/** Nodes carry this prefix. */
const prefix = 'adapt/tokens/';

/**
 * Nodes from tokens `from` [N, tokens, d] to a vector `to`: [N, d], or [N, 2 d] of both.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where there are no such tokens
 */
export function tokenNodes(output: TokenOutput, from: string, to: string, file: string): GraphPart {
  check(output, file);
  const { choice, patches = 0 } = output;
  const [cls, mean] = choice === 'cls+mean' ? [`${prefix}cls`, `${prefix}mean`] : [to, to];
  const ofClass = {
    nodes: [
      node('Slice', [from, `${prefix}zero`, `${prefix}one`, `${prefix}one`], `${prefix}first`),
      node('Flatten', [`${prefix}first`], cls, { axis: 1 }),
    ],
    initializers: [int64Tensor(`${prefix}zero`, [0]), int64Tensor(`${prefix}one`, [1])],
  };
  // The mean over the last axis, in an operator that is the same in every version of the format.
  const ofPatches = {
    nodes: [
      node('Transpose', [from], `${prefix}turned`, { perm: [0, 2, 1] }),
      node(
        'Slice',
        [`${prefix}turned`, `${prefix}patches`, `${prefix}end`, `${prefix}two`],
        `${prefix}last`,
      ),
      node('GlobalAveragePool', [`${prefix}last`], `${prefix}pooled`),
      node('Flatten', [`${prefix}pooled`], mean, { axis: 1 }),
    ],
    initializers: [
      int64Tensor(`${prefix}patches`, [-patches]),
      int64Tensor(`${prefix}end`, [2 ** 31]),
      int64Tensor(`${prefix}two`, [2]),
    ],
  };
  if (choice === 'cls') return ofClass;
  if (choice === 'mean') return ofPatches;
  return {
    nodes: [...ofClass.nodes, ...ofPatches.nodes, node('Concat', [cls, mean], to, { axis: 1 })],
    initializers: [...ofClass.initializers, ...ofPatches.initializers],
  };
}

function check({ choice, count, patches }: TokenOutput, file: string): void {
  const refuse = (why: string) => new HeadstartError('BACKBONE_UNSUITABLE', `${file} ${why}.`);
  if (choice !== 'cls' && patches === undefined) {
    throw refuse(
      'does not show which of its tokens are patches (no convolution cuts the image into them): choose `tokens` cls',
    );
  }
  if (count === undefined || patches === undefined) return;
  if (count < patches) {
    throw refuse(`gives ${count} tokens for ${patches} patches: choose \`tokens\` cls`);
  }
  if (count === patches && choice !== 'mean') {
    throw refuse(
      `gives ${count} tokens, one for each patch, and no class token: choose \`tokens\` mean`,
    );
  }
}

/** Into how many patches the first convolution cuts an image: its kernel is as large as its step. */
export function patchesOf(
  model: Model,
  { height, width }: { readonly height: number; readonly width: number },
): number | undefined {
  const first = model.graph?.node?.find(({ opType }) => opType === 'Conv');
  const numbers = (name: string) =>
    (first?.attribute?.find((one) => one.name === name)?.ints ?? []).map(Number);
  const [kernel, strides] = [numbers('kernel_shape'), numbers('strides')];
  const [down = 1, across = 1] = strides;
  const cuts = strides.length === 2 && down > 1 && kernel.join() === strides.join();
  return cuts ? Math.floor(height / down) * Math.floor(width / across) : undefined;
}
