import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeRun } from '@headstart/core/run';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ContentsOptions, contentsOfRun } from './contents.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'headstart-'));
});
afterAll(() => rm(root, { recursive: true }));

async function reportOf(options: ContentsOptions = {}): Promise<string> {
  await writeRun(root, contentsOfRun(options));
  return readFile(join(root, 'report.html'), 'utf8');
}

describe('the report', () => {
  test('tells what a reader wants to know', async () => {
    const report = await reportOf({ warnings: ['Class red has 12 images.'] });
    for (const part of [
      '66.7 % (95 % interval 20.8 % to 93.9 %)',
      'red/2.png',
      'Class red has 12 images.',
      '/data/lights',
      'CPU, AVX2, 2 threads',
      '{&quot;flip&quot;:true}',
      'None: every file was used.',
      'b'.repeat(64),
    ]) {
      expect(report).toContain(part);
    }
    expect(report.match(/<svg /g)).toHaveLength(2);
  });

  test('loads nothing from anywhere', async () => {
    const report = await reportOf();
    expect(report).not.toMatch(/<script|<link|<iframe|@import|url\(["']?http/);
    expect(report).not.toMatch(/(src|href)\s*=\s*["']?(http|\/)/);
    expect(report).toContain("default-src 'none'");
  });

  test('says that an untrained backbone is one, and only then', async () => {
    expect(await reportOf({ untrained: true })).toContain('<strong>Untrained backbone.</strong>');
    expect(await reportOf()).not.toContain('Untrained');
  });

  test('shows names as they are and never takes them for markup', async () => {
    const evil = '<img src=x onerror="alert(1)">&\'';
    const report = await reportOf({
      classes: [evil, '</script><b>'],
      names: [`${evil}/1`, `${evil}/2`, `${evil}/3`],
      warnings: [evil],
      skipped: [{ path: evil, reason: evil }],
    });
    expect(report).not.toContain('<img');
    expect(report).not.toContain('</script>');
    expect(report).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;/3');
  });
});
