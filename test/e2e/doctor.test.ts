import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { backends, canRenderJpeg } from '@headstart/native';
import { expect, it } from 'vitest';
import { runCli } from '../util/cli.ts';
import { temporaryFolder } from '../util/workspace.ts';

const hasGpu = backends().some(({ name, available }) => name === 'cuda' && available);

it('says what is here and what is not, and ends with 0', async () => {
  await using place = await temporaryFolder();
  const dirs = ['--cache-dir', join(place.path, 'cache'), '--models-dir', join(place.path, 'none')];
  const { code, stdout } = await runCli(['doctor', ...dirs]);
  expect(stdout).toMatch(/^Headstart +yes +\d+\.\d+\.\d+$/m);
  expect(stdout).toMatch(/^Node +yes +\d+\.\d+\.\d+ on \w+-\w+$/m);
  expect(stdout).toMatch(/^Processor +yes +.+, \d+ threads?/m);
  expect(stdout).toMatch(/^Memory +yes +\d+\.\d GiB of \d+\.\d GiB free$/m);
  expect(stdout).toMatch(/^Head on the CPU +yes +CPU, .+; fp32/m);
  expect(stdout).toMatch(/^Features on the CPU +yes +ONNX Runtime 1\./m);
  const jpeg = canRenderJpeg()
    ? '; plain JPEG files by libjpeg-turbo$'
    : '\\n +→ libjpeg-turbo decodes plain JPEG files';
  expect(stdout).toMatch(new RegExp(`^Images +yes +sharp [\\d.]+, libvips [\\d.]+${jpeg}`, 'm'));
  expect(stdout).toMatch(/^Weights of VGG16 +no +not in .+none\n +→ headstart pull$/m);
  expect(stdout).toMatch(
    /^Feature cache +no +.+cache is made when features are computed; \d+\.\d GiB free$/m,
  );
  if (!hasGpu) expect(stdout).toMatch(/^Head on the GPU +no +\w+ .+\n +→ .+/m);
  expect(code).toBe(0);
});

it('ends with 1 where the weights are damaged, and names the file', async () => {
  await using place = await temporaryFolder();
  const models = join(place.path, 'models');
  await mkdir(models);
  await writeFile(join(models, 'vgg16.onnx'), 'not a model');
  const { code, stdout } = await runCli(['doctor', '--json', '--models-dir', models]);
  const findings: { name: string; state: string; detail: string }[] = JSON.parse(stdout);
  const weights = findings.find(({ name }) => name === 'Weights of VGG16')!;
  expect(weights.state).toBe('broken');
  expect(weights.detail).toContain(join(models, 'vgg16.onnx'));
  expect(code).toBe(1);
});

it('ends with 1 where the cache cannot be where it is wanted', async () => {
  await using place = await temporaryFolder();
  const file = join(place.path, 'file');
  await writeFile(file, '');
  const { code, stdout } = await runCli(['doctor', '--cache-dir', join(file, 'cache')]);
  expect(stdout).toMatch(/^Feature cache +broken +.+\n +→ Choose another folder with --cache-dir/m);
  expect(code).toBe(1);
});
