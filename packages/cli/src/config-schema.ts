import {
  allCommands,
  type CommandDescription,
  lastWord,
  type OptionDescription,
} from './command-tree.ts';
import { namesOf, notInFile } from './config-file.ts';
import type { ValueSchema } from './options.ts';

/** The JSON Schema of headstart.json, from the options of the commands. */
export function configSchema(program: CommandDescription): ValueSchema {
  const { properties, ...schema } = section(program);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'headstart.schema.json',
    title: 'headstart.json',
    description:
      'Options of headstart by their names: at the top for every command that has them, in an object with a command’s name for that one. The command line wins.',
    ...schema,
    properties: { $schema: { type: 'string' }, ...properties },
  };
}

function section(command: CommandDescription) {
  const options = new Map<string, readonly ValueSchema[]>();
  for (const option of allCommands(command).flatMap((one) => one.options)) {
    for (const name of namesOf(option)) {
      if (notInFile.has(name)) continue;
      const known = options.get(name) ?? [];
      options.set(name, unique([...known, optionSchema(option, name)]));
    }
  }
  const properties: Record<string, ValueSchema> = Object.fromEntries(
    [...options].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, all]) => [name, anyOf(all)]),
  );
  for (const child of command.commands) {
    const name = lastWord(child.name);
    const own = { description: child.description, ...section(child) };
    properties[name] = properties[name] ? { anyOf: [properties[name], own] } : own;
  }
  return { type: 'object', additionalProperties: false, properties };
}

function optionSchema(
  { description, value, negates, flag }: OptionDescription,
  name: string,
): ValueSchema {
  const positive = negates && flag !== `--${name}`;
  const text = positive ? `false: ${description}` : description;
  if (!value) return { description: text, type: 'boolean' };
  const one = value.schema;
  return value.variadic
    ? { description: text, anyOf: [one, { type: 'array', items: one, minItems: 1 }] }
    : { description: text, ...one };
}

function anyOf(schemas: readonly ValueSchema[]): ValueSchema {
  const [only] = schemas;
  return only && schemas.length === 1 ? only : { anyOf: schemas };
}

function unique(schemas: readonly ValueSchema[]): ValueSchema[] {
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
}
