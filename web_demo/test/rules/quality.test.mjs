import assert from 'node:assert/strict';
import { test } from 'node:test';

import { lesionName } from '../../src/panel.js';
import { judgeQuality, sentences } from '../../src/quality.js';
import { Texts } from '../../src/texts.js';
import { assertSome, index, json } from '../goldens.mjs';

const orNull = (value) => (Number.isNaN(value) ? null : value);

for (const name of assertSome(index.quality, 'quality')) {
  test(`a picture's quality is judged as by Python: ${name}`, () => {
    const { quality, lesions, output, raised, expected } = json('quality', `${name}.json`);
    const numbers = Float32Array.from(output, (value) => value ?? NaN); // JSON knows no NaN
    const found = judgeQuality(numbers, lesions, quality, raised);
    const values = Object.entries(found.values).map(([key, value]) => [key, orNull(value)]);
    const said = (language) => sentences(found).map((key) => new Texts(language).say(key));
    assert.deepEqual(
      {
        ...found,
        values: Object.fromEntries(values),
        sentences: { en: said('en'), de: said('de') },
      },
      expected,
    );
  });
}

test('another number of values than the manifest describes is no quality', () => {
  const spec = { usable: 0.5, values: [] };
  for (const numbers of [[], [1, 1]])
    assert.throws(() => judgeQuality(Float32Array.from(numbers), ['EX'], spec), RangeError);
});

test('a lesion has its own name in the language, else ours, else its English one', () => {
  const [en, de] = [new Texts('en'), new Texts('de')];
  const own = { code: 'EX', names: { en: 'exudates', de: 'Exsudate, hart' } };
  const old = { code: 'EX', names: { en: 'hard exudates' } }; // schema 2
  const declared = { code: 'NV', names: { en: 'new vessels' } };
  assert.deepEqual(
    [own, old, declared].map((lesion) => [lesionName(lesion, en), lesionName(lesion, de)]),
    [
      ['Exudates', 'Exsudate, hart'],
      ['Hard exudates', 'Harte Exsudate'],
      ['New vessels', 'New vessels'],
    ],
  );
});
