// npm run texts: takes from tests/goldens/texts.json what the page says. A test compares the two.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { usedKeys } from '../test/used-keys.mjs';

const HERE = join(import.meta.dirname, '..');
const table = JSON.parse(readFileSync(join(HERE, '..', 'tests', 'goldens', 'texts.json'), 'utf8'));
const used = usedKeys();
const missing = used.filter((key) => !Object.hasOwn(table, key));
if (missing.length) {
  console.error(
    `tests/goldens/texts.json has no ${missing.join(', ')}; add them to converters/apps/texts.json and run: mobileseg goldens`,
  );
  process.exit(2);
}
const rows = Object.keys(table)
  .filter((key) => used.includes(key))
  .map((key) => [key, table[key]]);
const note = '// Written by npm run texts, from the table that all apps share.\n\n';
writeFileSync(
  join(HERE, 'src', 'texts-table.js'),
  `${note}export const TABLE = ${JSON.stringify(Object.fromEntries(rows), null, 2)};\n`,
);
console.log(`src/texts-table.js: ${rows.length} of ${Object.keys(table).length} texts`);
