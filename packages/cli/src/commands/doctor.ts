import type { Finding } from '@headstart/core';
import type { Command } from 'commander';
import { exitCode } from '../exit-codes.ts';
import { addCommonOptions, type CommonOptions } from '../options.ts';
import type { Runner } from '../runner.ts';
import { inFlags } from '../words.ts';

export function addDoctorCommand(program: Command, runner: Runner): void {
  const command = program
    .command('doctor')
    .description('show what is here: CPU, GPU, ONNX Runtime, weights, cache')
    .addHelpText('after', '\nExits with code 1 where something is broken, not where it is absent.');
  addCommonOptions(command);
  command.action(
    runner(async ({ ui }, options: CommonOptions) => {
      const { doctor } = await import('@headstart/core');
      const findings = (await doctor(options)).map(inCommands);
      ui.result(findings, doctorText(findings));
      return findings.some(({ state }) => state === 'broken') ? exitCode.failed : undefined;
    }),
  );
}

/** A command that is all there is to do stands alone, to be copied. */
function inCommands({ advice, ...finding }: Finding): Finding {
  if (advice === undefined) return finding;
  return { ...finding, advice: inFlags(advice).replace(/`(headstart [^`]+)`(?=\.?$)/, '$1') };
}

const marks = { ready: 'yes', absent: 'no', broken: 'broken' } as const;

function doctorText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, state, detail, advice }) => [
    `${name.padEnd(width)}  ${marks[state].padEnd(6)}  ${detail}`,
    ...(advice ? [`${' '.repeat(width + 10)}→ ${advice}`] : []),
  ]);
  return lines.join('\n');
}
