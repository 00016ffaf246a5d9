import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';

const manifests = ['.', 'packages/native', 'packages/core', 'packages/cli'];
const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');

/** name → version, of everything that is not in the workspace. */
function dependencies(): Map<string, string> {
  const catalog = read('pnpm-workspace.yaml');
  const found = new Map<string, string>();
  for (const folder of manifests) {
    const manifest = JSON.parse(read(join(folder, 'package.json')));
    for (const [name, version] of Object.entries<string>({
      ...manifest.dependencies,
      ...manifest.devDependencies,
    })) {
      if (version.startsWith('workspace:')) continue;
      const listed = new RegExp(`^ {2}${name}: (\\S+)$`, 'm').exec(catalog)?.[1];
      found.set(name, version === 'catalog:' ? (listed ?? 'not in the catalog') : version);
    }
  }
  return found;
}

describe('dependencies', () => {
  it('have exact versions', () => {
    for (const [name, version] of dependencies()) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it('are each explained in docs/dependencies.md, in the version that is used', () => {
    const rows = [
      ...read('docs/dependencies.md').matchAll(/^\| (\S+) \| (\d\S*) \| [^|]+ \| (.+) \|$/gm),
    ];
    const explained = new Map(rows.map(([, name, version]) => [name, version]));
    expect(explained).toEqual(dependencies());
    for (const row of rows) expect(row[3]?.length).toBeGreaterThan(20);
  });
});
