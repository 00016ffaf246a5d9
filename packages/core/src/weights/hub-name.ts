import { HeadstartError } from '../base/errors.ts';

/** A repository of models at Hugging Face. */
export interface HubName {
  /** `ORG/NAME` */
  readonly name: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** `hf:ORG/NAME`, `hf:ORG/NAME@REVISION`. */
export function isHubName(spec: string): boolean {
  return spec.startsWith('hf:');
}

/** @throws HeadstartError `USAGE` */
export function parseHubName(spec: string): HubName {
  const [, name, revision = 'main'] = /^hf:([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/.exec(spec) ?? [];
  const isPlain = (path: string) => path.split('/').every((part) => !/^\.*$/.test(part));
  if (name !== undefined && isPlain(name) && isPlain(revision)) return { name, revision };
  throw new HeadstartError(
    'USAGE',
    `${spec} is not a model of Hugging Face: give hf:ORG/NAME or hf:ORG/NAME@REVISION.`,
  );
}

/** The ONNX files that are taken where none is named. */
const usual = ['onnx/model.onnx', 'model.onnx'];

/**
 * Which of a repository's files the model is.
 *
 * @param file the one that is named
 * @throws HeadstartError `USAGE` with those that there are
 */
export function chooseModel(spec: string, paths: readonly string[], file?: string): string {
  const models = paths.filter((path) => path.endsWith('.onnx')).sort();
  const chosen =
    file === undefined
      ? (usual.find((path) => models.includes(path)) ??
        (models.length === 1 ? models[0] : undefined))
      : models.find((path) => path === file);
  if (chosen !== undefined) return chosen;
  const shown = models.slice(0, 12).join(', ') + (models.length > 12 ? ', …' : '');
  const message =
    models.length === 0
      ? `${spec} has no ONNX file: export the model to ONNX, and give the file as \`backbone\`.`
      : file === undefined
        ? `${spec} has several ONNX files (${shown}): choose one with \`file\`.`
        : `${spec} has no ONNX file ${file}: it has ${shown}.`;
  throw new HeadstartError('USAGE', message, { option: 'file' });
}

/** What belongs to a model: its weights in other files, what its maker says of images, its licence. */
export function companionsOf(model: string, paths: readonly string[]): string[] {
  const [folder = '', base = ''] = /^(.*\/)?([^/]+)$/.exec(model)?.slice(1) ?? [];
  const isData = (path: string) =>
    path.startsWith(`${folder}${base}`) && /^[._]data(_\d+)?$/.test(path.slice(model.length));
  const described = ['preprocessor_config.json', 'config.json'];
  const beside = described.map((name) => `${folder}${name}`);
  const wanted = new Set([...described, ...beside, 'README.md']);
  return paths.filter((path) => isData(path) || wanted.has(path));
}
