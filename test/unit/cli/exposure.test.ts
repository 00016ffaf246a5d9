import { describe, expect, it } from 'vitest';
import {
  checkExposure,
  type ExposureOptions,
  exposureWarning,
  isLoopback,
} from '../../../packages/cli/dist/serve/exposure.js';

const closed: ExposureOptions = { host: '127.0.0.1', allowHost: [] };

function check(options: Partial<ExposureOptions>, fromFile = true): () => void {
  return () => checkExposure('headstart.json', { ...closed, ...options }, () => fromFile);
}

describe('a file of options in the working folder', () => {
  it.each([
    [{ host: '0.0.0.0' }, '"host"', '--host 0.0.0.0'],
    [{ host: '::' }, '"host"', '--host ::'],
    [{ allowHost: ['evil.example'] }, '"allow-host"', '--allow-host evil.example'],
    [{ allowEdits: true }, '"allow-edits"', '--allow-edits'],
  ])('may not open the server to others: %j', (options, name, flag) => {
    expect(check(options)).toThrow(`headstart.json: ${name} would open the server to others`);
    expect(check(options)).toThrow(flag);
    expect(check(options, false)).not.toThrow();
    expect(check({ ...options, config: 'headstart.json' })).not.toThrow();
  });

  it('may say what opens nothing', () => {
    expect(check({ host: 'localhost', allowEdits: false })).not.toThrow();
  });
});

describe('the warning', () => {
  it('names what others may do', () => {
    expect(exposureWarning('0.0.0.0', false)).toMatch(/read \/metrics: there is no password/);
    expect(exposureWarning('0.0.0.0', false)).not.toMatch(/train/);
    expect(exposureWarning('192.168.1.5', true)).toMatch(/correct labels.* train/);
  });

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('is not given for %s', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(exposureWarning(host, true)).toBeUndefined();
  });
});
