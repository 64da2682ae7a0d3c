// What Python wrote for the browser's tests: EXPECTED=FOLDER, by tests/apps/test_web.py.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { findChromium } from './chromium.mjs';

const FOLDER = process.env.EXPECTED;
const VENDOR = join(import.meta.dirname, '..', 'vendor', 'ort.wasm.bundle.min.mjs');

// Why the browser's tests cannot run here; false if they can.
export const notRun =
  (!FOLDER && 'not run: EXPECTED names no folder (tests/apps/test_web.py writes it)') ||
  (!findChromium() && 'not run: no chromium (make apps installs it)') ||
  (!existsSync(VENDOR) && 'not run: no vendor (npm run vendor)');

export const inExpected = (...path) => join(FOLDER, ...path);

export function cases(bundle) {
  const folder = inExpected(bundle, 'cases');
  return readdirSync(folder).map((name) => {
    const read = (file) => new Uint8Array(readFileSync(join(folder, name, file)));
    const golden = JSON.parse(readFileSync(join(folder, name, 'case.json'), 'utf8'));
    return { name, golden, path: join(folder, name, golden.file), read };
  });
}

export const manifestOf = (bundle) =>
  JSON.parse(readFileSync(inExpected(bundle, 'model', 'model.json'), 'utf8'));

// What the server needs to show a bundle.
export const served = (bundle) => ({
  folders: { model: inExpected(bundle, 'model'), samples: inExpected('samples') },
});
