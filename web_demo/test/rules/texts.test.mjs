import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TABLE } from '../../src/texts-table.js';
import { Texts, chooseLanguage } from '../../src/texts.js';
import { json } from '../goldens.mjs';
import { usedKeys } from '../used-keys.mjs';

test('the page has the texts that it uses, and no others, as every app has them', () => {
  const shared = json('texts.json');
  const expected = Object.fromEntries(usedKeys().map((key) => [key, shared[key]]));
  assert.ok(usedKeys().length > 40);
  assert.deepEqual(TABLE, expected);
});

test('both languages have the same places', () => {
  const places = (text) => [...text.matchAll(/\{\d\}/g)].map(([place]) => place).sort();
  for (const [key, { en, de }] of Object.entries(TABLE))
    assert.deepEqual(places(en), places(de), key);
});

test('the language is the one asked for, else the first of the browser that we have, else English', () => {
  assert.equal(chooseLanguage('?lang=de', ['en-GB']), 'de');
  assert.equal(chooseLanguage('', ['fr', 'de-AT', 'en']), 'de');
  assert.equal(chooseLanguage('?lang=constructor', ['fr']), 'en');
});

test('numbers are written as in the language, and what is there never reads as nothing', () => {
  const [en, de] = [new Texts('en'), new Texts('de')];
  assert.equal(de.say('milliseconds', 1234), '1.234 ms');
  assert.equal(en.area({ pixels: 5, basisPoints: 42 }), '0.42 %');
  assert.equal(de.area({ pixels: 5, basisPoints: 42 }), '0,42 %');
  assert.equal(de.area({ pixels: 1, basisPoints: 0 }), '< 0,01 %');
  assert.equal(en.area({ pixels: 0, basisPoints: 0 }), '0.00 %');
});

test('a value is put in as it is, whatever it looks like', () => {
  assert.match(
    new Texts('en').say('error_photo_unreadable', '$& {1}.jpg'),
    /^\$& \{1\}\.jpg cannot/,
  );
});
