import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repositoryRoot } from '../util/shared.ts';

const folder = join(repositoryRoot, '.github/workflows');
const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly run?: string }[];
  readonly strategy?: { readonly matrix: { readonly include: readonly { system: string }[] } };
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

describe.each(readdirSync(folder))('the workflow %s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const { permissions, jobs } = parse(text) as Workflow;

  it('pins each action by its commit, and says which version that is', () => {
    const used = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action);
    expect(used.length).toBeGreaterThan(3);
    for (const action of used)
      expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('may read, and keeps no secret', () => {
    expect(permissions).toEqual({ contents: 'read' });
    expect(text).not.toMatch(/\bsecrets\.|_TOKEN\b/);
  });

  it('gives a token of identity to the job alone that publishes', () => {
    const trusted = Object.entries(jobs).filter(([, job]) => job.permissions?.['id-token']);
    expect(trusted.map(([job]) => job)).toEqual(name === 'publish.yml' ? ['publish'] : []);
  });
});

describe('publishing', () => {
  const { jobs } = parse(read('.github/workflows/publish.yml')) as Workflow;
  const commands = (jobs.publish?.steps ?? []).map(({ run = '' }) => run).join('\n');

  it('is done by an npm that needs no token, after signatures and a bill of materials', () => {
    const [, major = '0', minor = '0'] = /npm@(\d+)\.(\d+)/.exec(commands) ?? [];
    expect(Number(major) * 100 + Number(minor)).toBeGreaterThanOrEqual(11 * 100 + 6);
    const order = ['npm audit signatures', 'npm sbom --sbom-format cyclonedx', 'npm publish'];
    const places = order.map((command) => commands.indexOf(command));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
  });

  it('brings along addons for the systems that the page names', () => {
    const systems = jobs.addon?.strategy?.matrix.include.map(({ system }) => system) ?? [];
    expect(systems.length).toBe(5);
    for (const system of systems) expect(read('docs/install.md')).toContain(`\`${system}\``);
  });
});
