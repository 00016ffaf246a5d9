import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliIn } from '../util/place.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';

/** Whether a shell is here; where it is not, its tests say so. */
function isInstalled(shell: string): boolean {
  const found = spawnSync(shell, ['--version']).status === 0;
  if (!found) console.log(`skipped: ${shell} is not installed`);
  return found;
}

let place: TemporaryFolder;

beforeAll(async () => {
  place = await temporaryFolder();
  await mkdir(join(place.path, 'runs/first run'), { recursive: true });
  await writeFile(join(place.path, 'photo one.jpg'), '');
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await cliIn(place, ['completion', shell]);
    expect(code).toBe(0);
    await writeFile(join(place.path, `script.${shell}`), stdout);
  }
});

afterAll(() => place[Symbol.asyncDispose]());

/** What a shell's own interpreter prints for a script, in the folder. */
function runShell(shell: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(shell, args, {
    cwd: place.path,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

describe.skipIf(!isInstalled('bash'))('completion for bash', () => {
  /** What is offered for the last of the words. */
  function complete(...words: string[]): string[] {
    const text = `source script.bash
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _headstart
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const offered = runShell('bash', ['--norc', '-c', text, 'bash', 'headstart', ...words]);
    return offered.split('\n').filter(Boolean).sort();
  }

  it('completes commands, and those below them', () => {
    expect(complete('ev')).toEqual(['evaluate']);
    expect(complete('cache', 'v')).toEqual(['verify']);
  });

  it('completes options and their choices', () => {
    expect(complete('train', '--dev')).toEqual(['--device']);
    expect(complete('train', 'fruit', '--device', 'c')).toEqual(['cpu', 'cuda']);
    expect(complete('train', '--device', '=', 'cu')).toEqual(['cuda']);
    expect(complete('setup', '')).toEqual(['cuda']);
  });

  it('completes files and folders, where they may stand', () => {
    expect(complete('predict', 'runs', 'pho')).toEqual(['photo one.jpg']);
    expect(complete('predict', 'runs/')).toEqual(['runs/first run']);
    expect(complete('doctor', '--cache-dir', 'r')).toEqual(['runs']);
    expect(complete('train', '--epochs', '')).toEqual([]);
  });

  it('does not take the value of an option for a command', () => {
    expect(complete('cache', 'verify', '--sample', '1', '--sam')).toEqual(['--sample']);
    expect(complete('evaluate', '--config', 'train', '--assert')).toEqual([
      '--assert-accuracy-at-least',
    ]);
  });
});

describe.skipIf(!isInstalled('fish'))('completion for fish', () => {
  function complete(line: string): string[] {
    const text = `source script.fish; complete -C ${JSON.stringify(line)}`;
    const lines = runShell('fish', ['--no-config', '-c', text]).split('\n').filter(Boolean);
    return lines.map((one) => one.split('\t')[0] ?? '').sort();
  }

  it('completes commands, options, choices and files', () => {
    expect(complete('headstart ev')).toEqual(['evaluate']);
    expect(complete('headstart cache v')).toEqual(['verify']);
    expect(complete('headstart train --dev')).toEqual(['--device']);
    expect(complete('headstart train fruit --device c')).toEqual(['cpu', 'cuda']);
    expect(complete('headstart predict runs pho')).toEqual(['photo one.jpg']);
    expect(complete('headstart doctor --cache-dir r')).toEqual(['runs/']);
    expect(complete('headstart evaluate --config train --assert')).toEqual([
      '--assert-accuracy-at-least',
    ]);
  });
});

describe.skipIf(!isInstalled('zsh'))('completion for zsh', () => {
  /** What each line becomes when Tab is pressed in an interactive shell. */
  function complete(lines: readonly string[]): string[] {
    const setup = [
      'autoload -Uz compinit; compinit -u -D; source script.zsh',
      'report() { print -r -- "<<$BUFFER>>"; BUFFER=; zle accept-line }',
      'zle -N report; bindkey "^X" report; print REA""DY',
    ].join('; ');
    const text = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell ${JSON.stringify(setup).replaceAll('$', '\\$')}
zpty -r shell out '*READY*'
for line in "$@"; do
  zpty -w -n shell "$line"$'\\t'; zpty -w -n shell $'\\x18'
  zpty -r shell out '*<<*>>*'; print -r -- \${\${out##*<<}%%>>*}
done`;
    return runShell('zsh', ['-f', '-c', text, 'zsh', ...lines])
      .trimEnd()
      .split('\n');
  }

  it('completes commands, options, choices and files', () => {
    const lines = {
      'headstart ev': 'headstart evaluate ',
      'headstart cache v': 'headstart cache verify ',
      'headstart train --devi': 'headstart train --device ',
      'headstart train fruit --device cu': 'headstart train fruit --device cuda ',
      'headstart predict runs pho': 'headstart predict runs photo\\ one.jpg ',
      'headstart doctor --cache-dir r': 'headstart doctor --cache-dir runs/',
      'headstart evaluate --config train --assert':
        'headstart evaluate --config train --assert-accuracy-at-least ',
    };
    const completed = complete(Object.keys(lines)).map((line) => line.trimEnd());
    expect(completed).toEqual(Object.values(lines).map((line) => line.trimEnd()));
  });
});

it('an unknown shell is refused with those that are known', async () => {
  const { code, stderr } = await cliIn(place, ['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(stderr).toContain('Allowed choices are bash, zsh, fish');
});
