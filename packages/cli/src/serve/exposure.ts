import { HeadstartError } from '@headstart/core';

/** Options of `serve` by which others than programs of this machine may reach or change something. */
export interface ExposureOptions {
  readonly host: string;
  readonly allowHost: readonly string[];
  readonly allowEdits?: boolean | undefined;
  /** The file of options that the user named. */
  readonly config?: string | boolean | undefined;
}

/** Whether only programs of this machine reach a server that listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

/**
 * Refuses to open the server to others because of a file that lies in the working folder: it may
 * have come with somebody's data.
 *
 * @param path of the file that was found there
 * @param fromFile whether the file set an option
 * @throws HeadstartError `USAGE`
 */
export function checkExposure(
  path: string,
  options: ExposureOptions,
  fromFile: (option: 'host' | 'allowHost' | 'allowEdits') => boolean,
): void {
  if (typeof options.config === 'string') return;
  const { host, allowHost, allowEdits } = options;
  const [name, flag] =
    fromFile('host') && !isLoopback(host)
      ? ['host', `--host ${host}`]
      : fromFile('allowHost') && allowHost.length > 0
        ? ['allow-host', `--allow-host ${allowHost.join(' --allow-host ')}`]
        : fromFile('allowEdits') && allowEdits
          ? ['allow-edits', '--allow-edits']
          : [];
  if (name === undefined) return;
  throw new HeadstartError(
    'USAGE',
    `${path}: "${name}" would open the server to others. Say ${flag} on the command line, or name the file with --config ${path}.`,
  );
}

/** A warning for a server that other machines reach; undefined where none does. */
export function exposureWarning(host: string, edits: boolean): string | undefined {
  if (isLoopback(host)) return undefined;
  const may = edits
    ? 'label images, see the run’s images, correct labels, add images, train and read /metrics'
    : 'label images and read /metrics';
  return `warning: With --host ${host}, whoever reaches this port may ${may}: there is no password. Put a reverse proxy before it, or leave out --host.`;
}
