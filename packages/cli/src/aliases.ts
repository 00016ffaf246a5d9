import { Command } from 'commander';

/** What other programs call our options, by the words without dashes. */
const aliases: Readonly<Record<string, string>> = {
  lr: 'learning-rate',
  bs: 'batch-size',
  batch: 'batch-size',
  epoch: 'epochs',
  numepochs: 'epochs',
  dropoutrate: 'dropout',
  dropoutprob: 'dropout',
  wd: 'weight-decay',
  optim: 'optimizer',
  model: 'backbone',
  imgsize: 'image-size',
  imgsz: 'image-size',
  output: 'out',
  outdir: 'out',
  outputdir: 'out',
  workers: 'threads',
  numworkers: 'threads',
  gpu: 'device',
};

/** The option that is meant by a name of another program, of those that there are. */
export function aliasOf(name: string, options: readonly string[]): string | undefined {
  const known = aliases[name.toLowerCase().replace(/[-_]/g, '')];
  return known !== undefined && options.includes(known) ? known : undefined;
}

/** A command with the names that other programs give its options. */
export class CommandWithAliases extends Command {
  override createCommand(name?: string): Command {
    return new CommandWithAliases(name);
  }

  override error(message: string, details?: Parameters<Command['error']>[1]): never {
    const [, name] = /^error: unknown option '--?([\w-]+)/.exec(message) ?? [];
    const options = this.options.map(({ long }) => long?.slice(2) ?? '');
    const meant = name === undefined ? undefined : aliasOf(name, options);
    if (meant === undefined) return super.error(message, details);
    const [said = message] = message.split('\n');
    return super.error(`${said}\n(Did you mean --${meant}?)`, details);
  }
}
