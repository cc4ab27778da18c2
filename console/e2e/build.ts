import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// The program with the console that is in dist now.
export default () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-e2e-'));
  process.env.CARILLON_BINARY = join(folder, 'carillon');
  execFileSync('go', ['build', '-o', process.env.CARILLON_BINARY, '.'], {
    cwd: new URL('../..', import.meta.url).pathname,
    stdio: 'inherit',
  });
  return () => rmSync(folder, { recursive: true, force: true });
};
