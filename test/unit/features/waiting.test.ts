import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Notice } from '@headstart/core';
import { describe, expect, it } from 'vitest';
import { extractFeatures, openFeatureCache } from '#core/features';
import { bytesBackbone, pictures, temporaryFolder } from './pipeline.ts';

const script = fileURLToPath(new URL('./extract-child.mjs', import.meta.url));

describe.skipIf(process.platform === 'win32')(
  'Extraction beside a process that was stopped',
  () => {
    it('says once which process it waits for, and ends when that goes on', async () => {
      const folder = await temporaryFolder();
      const samples = await pictures(folder, 12);
      const [dir, file] = [join(folder, 'cache'), join(folder, 'samples.json')];
      await writeFile(file, JSON.stringify(samples));
      // The child stops when it has claimed the images and written the first batch.
      const child = spawn(process.execPath, [script, dir, file, '100']);
      const ended = new Promise((resolve) => child.once('close', resolve));
      await new Promise<void>((resolve) => {
        let isStopped = false;
        child.stdout.on('data', (text) => {
          if (isStopped || !/^[1-9]/m.test(`${text}`)) return;
          isStopped = child.kill('SIGSTOP');
          resolve();
        });
      });
      const notices: Notice[] = [];
      await using cache = await openFeatureCache({ dir });
      const { computed, reused } = await extractFeatures({
        samples: samples.map((sample) => ({ sample, views: [undefined] })),
        backbone: bytesBackbone(),
        cache,
        dtype: 'float32',
        onNotice: (notice) => {
          notices.push(notice);
          setTimeout(() => child.kill('SIGCONT'), 1500);
        },
      });
      await ended;
      expect(computed + reused).toBe(12);
      expect(notices).toEqual([
        {
          level: 'info',
          text: expect.stringMatching(
            new RegExp(
              `^Waiting for process ${child.pid} on ${hostname()}, which computes the features of \\d+ images?;`,
            ),
          ),
        },
      ]);
    }, 30_000);
  },
);
