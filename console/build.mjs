// Builds the console into dist, packed with brotli, with a hash of the content in each name but index.html's,
// and the hash of what it was made from. The same package-lock.json and Node give the same bytes.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { build } from 'vite';
import { hashOfSources } from './sources.mjs';

const here = new URL('.', import.meta.url).pathname;
const packages = new Set(); // what was bundled, as folders in node_modules

const noting = {
  name: 'note-packages',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      for (const id of Object.keys(chunk.modules ?? {})) {
        const found = id.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
        if (found && !found[1].includes('\0')) packages.add(found[1]);
      }
    }
  },
};

// licenses is what the bundled packages want to see beside their code.
const licenses = async () => {
  const texts = [];
  for (const folder of [...packages].sort()) {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`));
    const file = (await readdir(folder)).find(file => /^licen[cs]e/i.test(file));
    texts.push(
      `${name} ${version}, ${license}\n\n${file ? (await readFile(`${folder}/${file}`, 'utf8')).trim() : ''}\n`,
    );
  }
  return Buffer.from(texts.join(`\n${'='.repeat(80)}\n\n`));
};

await build({ root: here, configFile: `${here}vite.config.ts`, logLevel: 'warn', plugins: [noting] });

const dist = `${here}dist/`;
await rm(dist, { recursive: true, force: true });
await mkdir(dist);

const pack = (name, content) =>
  writeFile(
    `${dist}${name}.br`,
    brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }),
  );
for (const file of await readdir(`${here}build/assets`)) {
  await pack(basename(file), await readFile(`${here}build/assets/${file}`));
}
await pack('index.html', await readFile(`${here}build/index.html`));

const text = await licenses();
await pack(`licenses-${createHash('sha256').update(text).digest('hex').slice(0, 8)}.txt`, text);
await writeFile(`${dist}manifest.json`, await readFile(`${here}build/.vite/manifest.json`));
await writeFile(`${dist}sources.sha256`, `${await hashOfSources(here)}\n`);
