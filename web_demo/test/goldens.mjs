// Reads tests/goldens, and compares with a message that helps.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = process.env.GOLDENS ?? join(import.meta.dirname, '..', '..', 'tests', 'goldens');

export const bytes = (...path) => new Uint8Array(readFileSync(join(FOLDER, ...path)));
export const text = (...path) => readFileSync(join(FOLDER, ...path), 'utf8');
export const json = (...path) => JSON.parse(text(...path));
export const floats = (...path) => new Float32Array(bytes(...path).buffer);
export const index = json('index.json');

export function assertSameBytes(found, expected, what) {
  assert.equal(found.length, expected.length, `${what}: length`);
  const at = found.findIndex((value, i) => value !== expected[i]);
  assert.ok(at < 0, `${what}: value ${at} is ${found[at]}, expected ${expected[at]}`);
}

// A table that came out empty tests nothing.
export function assertSome(list, what) {
  assert.ok(list.length > 0, `the goldens have no ${what}`);
  return list;
}
