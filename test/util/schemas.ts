import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type SchemaObject } from 'ajv/dist/2020.js';
import { repositoryRoot } from './shared.ts';

const folder = join(repositoryRoot, 'packages/cli/schemas');
const suffix = '.schema.json';

/** The schemas that are shipped, by command: `train`, `cache-ls`, and `error` for all of them. */
export const schemas: ReadonlyMap<string, SchemaObject> = new Map(
  readdirSync(folder)
    .sort()
    .map((file) => [
      file.slice(0, -suffix.length),
      JSON.parse(readFileSync(join(folder, file), 'utf8')),
    ]),
);

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
for (const schema of schemas.values()) ajv.addSchema(schema);

/**
 * What is wrong with a document by a schema: empty where nothing is.
 *
 * @param name a command, or a part of its schema: `predict#/$defs/row`
 */
export function schemaErrors(name: string, document: unknown): string[] {
  const [command = '', part = ''] = name.split('#');
  const validate = ajv.getSchema(`${command}${suffix}${part && `#${part}`}`);
  if (!validate) return [`there is no packages/cli/schemas/${command}${suffix}`];
  if (validate(document)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    [name, instancePath, message, JSON.stringify(params)].join(' '),
  );
}

/** The command that arguments name, as its schema is called: `cache-ls`. */
export function commandName([first = '', second = '']: readonly string[]): string {
  const nested = `${first}-${second}`;
  return schemas.has(nested) ? nested : first;
}

/**
 * What is wrong with what a command printed under `--json`: it must be one document, its own or
 * the one of errors.
 */
export function outputErrors(args: readonly string[], stdout: string): string[] {
  let document: unknown;
  try {
    document = JSON.parse(stdout);
  } catch (error) {
    return [`${args.join(' ')} printed no JSON document (${error}): ${stdout.slice(0, 200)}`];
  }
  const failed = typeof document === 'object' && document !== null && 'error' in document;
  return schemaErrors(failed ? 'error' : commandName(args), document);
}
