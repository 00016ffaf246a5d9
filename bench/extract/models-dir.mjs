// Where the benchmarks keep the backbones that they make.
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const modelsDir = join(tmpdir(), 'headstart-bench-models');
