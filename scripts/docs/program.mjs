// The command line as data, from the built program.
import { describeProgram } from '../../packages/cli/dist/command-tree.js';
import { createProgram } from '../../packages/cli/dist/main.js';

export const program = describeProgram(createProgram(() => async () => {}));
