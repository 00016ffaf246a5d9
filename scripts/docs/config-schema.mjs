// The JSON Schema of headstart.json, from the options of the commands.
import { allCommands, lastWord } from '../../packages/cli/dist/command-tree.js';
import { namesOf, notInFile } from '../../packages/cli/dist/config-file.js';

/** @param {import('../../packages/cli/dist/command-tree.js').CommandDescription} program */
export function configSchema(program) {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'headstart.schema.json',
    title: 'headstart.json',
    description:
      'Options of headstart by their names: at the top for every command that has them, in an object with a command’s name for that one. The command line wins.',
    ...section(program),
  };
  schema.properties = { $schema: { type: 'string' }, ...schema.properties };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function section(command) {
  const options = new Map();
  for (const option of allCommands(command).flatMap((one) => one.options)) {
    for (const name of namesOf(option)) {
      if (notInFile.has(name)) continue;
      const known = options.get(name) ?? [];
      options.set(name, unique([...known, optionSchema(option, name)]));
    }
  }
  const properties = Object.fromEntries(
    [...options].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, all]) => [name, anyOf(all)]),
  );
  for (const child of command.commands) {
    const name = lastWord(child.name);
    const own = { description: child.description, ...section(child) };
    properties[name] = properties[name] ? { anyOf: [properties[name], own] } : own;
  }
  return { type: 'object', additionalProperties: false, properties };
}

function optionSchema({ description, value, negates, flag }, name) {
  const positive = negates && flag !== `--${name}`;
  const text = positive ? `false: ${description}` : description;
  if (!value) return { description: text, type: 'boolean' };
  const one = value.schema;
  return value.variadic
    ? { description: text, anyOf: [one, { type: 'array', items: one, minItems: 1 }] }
    : { description: text, ...one };
}

const anyOf = (schemas) => (schemas.length === 1 ? schemas[0] : { anyOf: schemas });

function unique(schemas) {
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
}
