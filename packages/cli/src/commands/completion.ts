import { Argument, type Command } from 'commander';
import { describeProgram } from '../command-tree.ts';
import { completions, type Shell } from '../completion/index.ts';
import type { Runner } from '../runner.ts';

export function addCompletionCommand(program: Command, runner: Runner): void {
  program
    .command('completion')
    .description('print a script that completes commands, options and files in a shell')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(completions)))
    .addHelpText(
      'after',
      `
Put one line into the shell's own file:
  ~/.bashrc                    eval "$(headstart completion bash)"
  ~/.zshrc, after compinit     eval "$(headstart completion zsh)"
  ~/.config/fish/config.fish   headstart completion fish | source`,
    )
    .action(
      runner(async ({ ui }, shell: Shell) => {
        await ui.write(completions[shell](describeProgram(program)));
        return undefined;
      }),
    );
}
