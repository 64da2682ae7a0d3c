// The text keys that the page's files name: data-text and data-label in its HTML; in its code what
// is said, and the problems and flags that become keys.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { FLAGS, LESIONS } from '../src/constants.js';

const HERE = join(import.meta.dirname, '..');
const PATTERNS = [
  /data-(?:text|label)="(\w+)"/g,
  /\bsay\('(\w+)'/g,
  /Problem\('(\w+)'/g,
  /key: '(error_\w+)'/g,
];
const COMPUTED = [
  ...LESIONS.map((code) => `lesion_${code.toLowerCase()}`),
  ...[...FLAGS, 'poor'].map((flag) => `flag_${flag.replaceAll('-', '_')}`),
];

export function usedKeys() {
  const files = readdirSync(join(HERE, 'src')).filter((name) => name !== 'texts-table.js');
  const sources = [join(HERE, 'index.html'), ...files.map((name) => join(HERE, 'src', name))];
  const text = sources.map((path) => readFileSync(path, 'utf8')).join('\n');
  const found = PATTERNS.flatMap((pattern) => [...text.matchAll(pattern)].map(([, key]) => key));
  return [...new Set([...found, ...COMPUTED])].sort();
}
