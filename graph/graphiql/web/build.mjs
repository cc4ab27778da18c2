// Bundles GraphiQL into ../dist, gzipped, with a hash of the content in each
// name. The same package-lock.json and Node give the same bytes.
import { build } from 'esbuild';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { constants, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;

// instead swaps modules for the smaller ones beside this file, or for nothing.
const instead = modules => ({
  name: 'instead',
  setup({ onResolve, onLoad }) {
    for (const [pattern, file] of modules) {
      onResolve({ filter: pattern }, ({ importer }) => {
        if (!file) return { path: 'nothing', namespace: 'nothing' };
        return importer === resolve(file) ? undefined : { path: resolve(file) };
      });
    }
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'export const parsers = {}, printers = {}; export const format = text => text;' }));
  },
});

const packages = new Set(); // what was bundled, as folders in node_modules

const bundle = async options => {
  const { outputFiles, metafile } = await build({
    bundle: true,
    metafile: true,
    minify: true,
    write: false,
    outdir: dist,
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    target: ['chrome111', 'firefox114', 'safari16.4'],
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"', ...options.define },
    loader: { '.ttf': 'file', '.graphql': 'text' },
    logLevel: 'warning',
    ...options,
  });
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const path of Object.keys(inputs)) {
      const found = path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
      if (found) packages.add(found[1]);
    }
  }
  return Object.fromEntries(outputFiles.map(({ path, contents }) => [basename(path), contents]));
};

const workers = await bundle({
  entryPoints: {
    editor: 'monaco-editor/esm/vs/editor/editor.worker.js',
    graphql: 'monaco-graphql/esm/graphql.worker.js',
    json: 'monaco-editor/esm/vs/language/json/json.worker.js',
  },
  format: 'iife',
  plugins: [instead([[/^prettier\//, null]])], // the page itself formats
});
const names = Object.fromEntries(Object.keys(workers).map(name => [name.split('-')[0], name]));

const page = await bundle({
  entryPoints: { graphiql: 'entry.jsx' },
  format: 'esm',
  define: { 'process.env.NODE_ENV': '"production"', WORKERS: JSON.stringify(names) },
  plugins: [
    instead([
      [/^monaco-editor\/esm\/vs\/editor\/edcore\.main\.js$/, 'monaco.js'],
      [/^prettier\/standalone$/, 'prettier.js'],
      [/^prettier\/(plugins\/estree|parser-babel)$/, null],
    ]),
  ],
});

// licenses is what the bundled packages want to see beside their code.
const licenses = async () => {
  const texts = [];
  for (const folder of [...packages].sort()) {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`));
    const file = (await readdir(folder)).find(file => /^licen[cs]e/i.test(file));
    texts.push(`${name} ${version}, ${license}\n\n${file ? (await readFile(`${folder}/${file}`, 'utf8')).trim() : ''}\n`);
  }
  return texts.join(`\n${'='.repeat(80)}\n\n`);
};
const text = Buffer.from(await licenses());
const hash = createHash('sha256').update(text).digest('hex').slice(0, 8).toUpperCase();

await mkdir(dist, { recursive: true });
for (const name of await readdir(dist)) await rm(dist + name);
let total = 0;
for (const [name, contents] of Object.entries({ ...workers, ...page, [`licenses-${hash}.txt`]: text })) {
  const packed = gzipSync(contents, { level: constants.Z_BEST_COMPRESSION });
  packed[9] = 255; // the operating system, which says nothing about the content
  await writeFile(`${dist}${name}.gz`, packed);
  total += packed.length;
  console.log(String(packed.length).padStart(9), name);
}
console.log(String(total).padStart(9), 'in all');
