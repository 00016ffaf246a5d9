import { backends } from '@headstart/native';

/** Why CUDA cannot be used by anything; undefined where it can. */
export function cudaObstacle(): string | undefined {
  const cuda = backends().find(({ name }) => name === 'cuda');
  if (cuda?.available) return undefined;
  return cuda?.reason?.replace(/\.$/, '') ?? 'there is no CUDA device';
}
