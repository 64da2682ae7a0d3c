// npm run vendor: copies the pinned runtime out of node_modules, so that the page has everything
// beside it and asks nobody else for it. Also run after every npm install.

import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const HERE = join(import.meta.dirname, '..');
const FROM = join(HERE, 'node_modules', 'onnxruntime-web');
const TO = join(HERE, 'vendor');
const FILES = ['ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm'];

const found = JSON.parse(readFileSync(join(FROM, 'package.json'), 'utf8'));
const pinned = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8')).dependencies[
  found.name
];
if (found.version !== pinned) {
  console.error(`node_modules has ${found.name} ${found.version}; expected ${pinned}: run npm ci`);
  process.exit(2);
}
rmSync(TO, { recursive: true, force: true });
mkdirSync(TO);
for (const file of FILES) copyFileSync(join(FROM, 'dist', file), join(TO, file));
copyFileSync(join(HERE, 'LICENSES', 'onnxruntime-web.txt'), join(TO, 'LICENSE.txt'));
console.log(`vendor/: ${found.name} ${found.version} (${FILES.join(', ')}) and its licence`);
