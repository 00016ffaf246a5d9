// docs/cli.md: the reference of the command line, from the commands themselves.

const text = (value) => value.replaceAll('|', '\\|').replaceAll('<', '\\<');
const code = (value) => `\`${value.replaceAll('|', '\\|')}\``;

/** Options that stand in every command's table would hide its own: they get one table. */
function commonFlags(commands) {
  const withOptions = commands.filter(({ options }) => options.length > 0);
  const [first, ...rest] = withOptions.map(({ options }) => options.map(({ flags }) => flags));
  return first.filter((flags) => rest.every((other) => other.includes(flags)));
}

/** @param {import('../../packages/cli/dist/command-tree.js').CommandDescription} program */
export function reference(program) {
  const commands = program.commands.flatMap((one) =>
    one.commands.length > 0 ? one.commands : [one],
  );
  const configurable = commands.filter((one) => one.options.some(({ flag }) => flag === '--json'));
  const common = commonFlags(configurable);
  const shared = configurable[0].options.filter(({ flags }) => common.includes(flags));
  return [
    list(commands),
    ...commands.map((one) => commandSection(one, common)),
    ['## Every command', '', optionTable(shared)].join('\n'),
  ].join('\n\n');
}

function list(commands) {
  const rows = commands.map(
    ({ name, description }) => `| [${code(name)}](#${anchor(name)}) | ${text(description)} |`,
  );
  return ['| command | what it does |', '|---|---|', ...rows].join('\n');
}

const anchor = (name) => `headstart-${name.replaceAll(' ', '-')}`;

function commandSection(command, common) {
  const own = command.options.filter(
    ({ flags, flag }) => !common.includes(flags) && flag !== '--help',
  );
  const parts = [
    `## headstart ${command.name}`,
    `${sentence(command.description)}`,
    `\`\`\`text\nheadstart ${[command.name, ...command.arguments.map(argument), '[options]'].join(' ')}\n\`\`\``,
  ];
  if (command.arguments.length > 0) {
    const rows = command.arguments.map(
      (one) => `| ${code(argument(one))} | ${text(one.description)}${choices(one)} |`,
    );
    parts.push(['| argument | |', '|---|---|', ...rows].join('\n'));
  }
  if (own.length > 0) parts.push(optionTable(own));
  return parts.join('\n\n');
}

const sentence = (value) => `${text(value[0].toUpperCase() + value.slice(1))}.`;

function argument({ name, required, variadic }) {
  const inner = `${name}${variadic ? '...' : ''}`;
  return required ? `<${inner}>` : `[${inner}]`;
}

function choices({ choices: all }) {
  return all.length > 0 ? `: ${all.map(code).join(', ')}` : '';
}

function optionTable(options) {
  const rows = options.map((option) => {
    const { flags, description, value, environment } = option;
    const inEnvironment = environment ? ` Environment: ${code(environment)}.` : '';
    const fallback = option.default === undefined ? '' : code(option.default);
    return `| ${code(flags)} | ${text(description)}${value ? choices(value) : ''}${inEnvironment} | ${fallback} |`;
  });
  return ['| option | | default |', '|---|---|---|', ...rows].join('\n');
}
