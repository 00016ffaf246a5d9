import { type Command, Option } from 'commander';

/** The options of every command that scans a folder of images. */
export interface DataOptions {
  readonly corrections?: string;
}

export function addDataOptions(command: Command): Command {
  return command.addOption(
    new Option(
      '--corrections <file>',
      'labels to change and images to leave out (CSV: hash,file,action,label)',
    ),
  );
}
