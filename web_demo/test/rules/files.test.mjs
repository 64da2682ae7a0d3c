// The page's own files: what is stored for offline use, and what may be asked of whom.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const WEB = join(import.meta.dirname, '..', '..');
const read = (...path) => readFileSync(join(WEB, ...path), 'utf8');
const sources = readdirSync(join(WEB, 'src')).map((name) => `src/${name}`);
const shell = [
  ...read('sw.js')
    .split('];')[0]
    .matchAll(/'([^']+)'/g),
].map(([, path]) => path);

test('the service worker stores every file of the page', () => {
  const icons = readdirSync(join(WEB, 'icons')).map((name) => `icons/${name}`);
  const vendor = [
    ...read('scripts', 'vendor.mjs')
      .match(/FILES = \[(.*?)\]/)[1]
      .matchAll(/'([^']+)'/g),
  ];
  const expected = [
    'index.html',
    'app.css',
    'manifest.webmanifest',
    ...icons,
    ...sources,
    ...vendor.map(([, name]) => `vendor/${name}`),
  ];
  assert.deepEqual([...shell].sort(), expected.sort());
});

test('no file of the page names another host', () => {
  const named = ['index.html', 'app.css', 'sw.js', 'manifest.webmanifest', ...sources].flatMap(
    (path) =>
      [...read(path).matchAll(/https?:\/\/[^\s"'`]+/g)].map(([address]) => `${path}: ${address}`),
  );
  assert.deepEqual(named, []);
});

test('the page allows nothing but its own origin', () => {
  const [, policy] = read('index.html').match(/Content-Security-Policy" content="([^"]+)"/);
  assert.equal(policy.includes("default-src 'self';"), true);
  assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|\*|https?:/);
});
