import {
  allCommands,
  type CommandDescription,
  lastWord,
  type OptionDescription,
  type PlaceDescription,
} from '../command-tree.ts';
import { quoted } from './quote.ts';

const functionOf = ({ name }: CommandDescription) =>
  ['_headstart', ...name.split(' ').filter(Boolean)].join('_').replaceAll('-', '_');

/** Text in a specification of `_arguments`: colons and brackets have a meaning there. */
const plain = (text: string) => text.replace(/[\\:[\]]/g, '\\$&');

/** The action of a place, as `_arguments` takes it. */
function action({ choices, paths }: PlaceDescription): string {
  if (choices.length > 0) return `(${choices.join(' ')})`;
  return paths === 'folder' ? '_files -/' : paths === 'file' ? '_files' : ' ';
}

function optionSpec({ flag, flags, description, value }: OptionDescription): string {
  const name = /[<[]([^>\]]+)/.exec(flags)?.[1] ?? '';
  const rest = value ? `:${plain(name)}:${action(value)}` : '';
  return quoted(`${flag}[${plain(description)}]${rest}`);
}

function leaf(command: CommandDescription): string {
  const places = command.arguments.map((argument, i) => {
    const place = argument.variadic ? '*' : String(i + 1);
    return quoted(`${place}:${plain(argument.description || argument.name)}:${action(argument)}`);
  });
  const specs = [...command.options.map(optionSpec), ...places];
  return `${functionOf(command)}() {
  _arguments -s : \\
    ${specs.join(' \\\n    ')}
}`;
}

/** A command with commands below: the first word chooses, the rest is that one's. */
function branch(command: CommandDescription): string {
  const list = command.commands.map(({ name, description }) =>
    quoted(`${lastWord(name)}:${plain(description)}`),
  );
  const cases = command.commands.map(
    (child) => `    ${lastWord(child.name)}) ${functionOf(child)} ;;`,
  );
  return `${functionOf(command)}() {
  local curcontext="$curcontext" state line
  local -a commands=(
    ${list.join('\n    ')}
  )
  _arguments -C ${command.options.map(optionSpec).join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
${cases.map((line) => `    ${line}`).join('\n')}
      esac
      ;;
  esac
}`;
}

/** Completion for zsh: to be evaluated after `compinit`, or kept as `_headstart` in `$fpath`. */
export function zshCompletion(program: CommandDescription): string {
  const functions = allCommands(program)
    .toReversed()
    .map((command) => (command.commands.length > 0 ? branch(command) : leaf(command)));
  return `#compdef headstart
# Completion of headstart for zsh: eval "$(headstart completion zsh)"
${functions.join('\n')}
if [[ $funcstack[1] == _headstart ]]; then
  _headstart "$@"
else
  compdef _headstart headstart
fi
`;
}
