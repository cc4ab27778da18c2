// What dist is made from, as one hash. console_test.go computes the same.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

const files = ['build.mjs', 'index.html', 'package-lock.json', 'sources.mjs', 'tsconfig.json', 'vite.config.ts'];
const folders = ['locales', 'src'];

const below = async (here, folder) =>
  (await readdir(`${here}${folder}`, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map(entry => `${entry.parentPath.slice(here.length)}/${entry.name}`);

export const hashOfSources = async here => {
  const names = [...files, ...(await Promise.all(folders.map(folder => below(here, folder)))).flat()].sort();
  const sum = createHash('sha256');
  for (const name of names)
    sum
      .update(`${name}\0`)
      .update(await readFile(here + name))
      .update('\0');
  return sum.digest('hex');
};
