import {
  allCommands,
  type CommandDescription,
  lastWord,
  type PlaceDescription,
} from '../command-tree.ts';
import { quotedForFish as quoted } from './quote.ts';

/** What is offered in a place, as options of fish's `complete`. */
function offer({ choices, paths }: PlaceDescription): string {
  if (choices.length > 0) return `-x -a ${quoted(choices.join(' '))}`;
  if (paths === 'folder') return "-x -a '(__fish_complete_directories)'";
  return paths === 'file' ? '-r -F' : '-x';
}

function walkCases(commands: readonly CommandDescription[]): string[] {
  return commands.flatMap((command) => {
    const valued = command.options.filter(({ value }) => value).map(({ flag }) => flag);
    const children = command.commands.flatMap((child) => [
      `case ${quoted(`${command.name}/${lastWord(child.name)}`)}`,
      `    set command ${quoted(child.name)}`,
    ]);
    if (valued.length === 0) return children;
    const swallowing = valued.map((flag) => quoted(`${command.name}/${flag}`)).join(' ');
    return [...children, `case ${swallowing}`, '    set skip 1'];
  });
}

function completions(command: CommandDescription): string[] {
  const when = (place = '') => `-n ${quoted(`__headstart_at ${quoted(command.name)}${place}`)}`;
  const options = command.options.map(({ flag, description, value }) => {
    const rest = value ? ` ${offer(value)}` : '';
    return `complete -c headstart ${when()} -l ${flag.slice(2)} -d ${quoted(description)}${rest}`;
  });
  const children = command.commands.map(
    (child) =>
      `complete -c headstart ${when(' 0')} -a ${lastWord(child.name)} -d ${quoted(child.description)}`,
  );
  const places = command.arguments.map((argument, place) => {
    const files =
      argument.choices.length === 0 && argument.paths === 'file' ? '-F' : offer(argument);
    const from = argument.variadic ? ` ${place}-` : ` ${place}`;
    return `complete -c headstart ${when(from)} ${files} -d ${quoted(argument.description)}`;
  });
  return [...options, ...children, ...places];
}

/** Completion for fish. */
export function fishCompletion(program: CommandDescription): string {
  const commands = allCommands(program);
  const cases = walkCases(commands)
    .map((line) => `            ${line}`)
    .join('\n');
  return `# Completion of headstart for fish: headstart completion fish | source
function __headstart_at --description 'whether the words so far name this command and count'
    set -l command ''
    set -l place 0
    set -l skip 0
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch "$command/$word"
${cases}
            case '*/-*'
            case '*'
                set place (math $place + 1)
        end
    end
    test "$command" = "$argv[1]"; or return 1
    if set -q argv[2]
        if string match -q -- '*-' $argv[2]
            test $place -ge (string trim -r -c - -- $argv[2])
        else
            test $place = $argv[2]
        end
    end
end
complete -c headstart -f
${commands.flatMap(completions).join('\n')}
`;
}
