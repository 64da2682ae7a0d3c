import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  ARTIFACT,
  FLAGS,
  FLAGS_BY_VALUES,
  LESIONS,
  MOST_FILE_BYTES,
  MOST_MEGAPIXELS,
  OLDEST_SCHEMA,
  OPACITY,
  SCHEMA,
  TARGET,
} from '../../src/constants.js';
import { parseManifest } from '../../src/manifest.js';
import { assertSome, index, text } from '../goldens.mjs';

// Our names for what Python's case calls differently.
const asPython = ({ frameHw, inputName, ...rest }) => ({ ...rest, frame_hw: frameHw });

for (const { file, target, expected, problem } of assertSome(index.manifests, 'manifests')) {
  test(`a manifest is read as by Python: ${file}`, () => {
    const found = parseManifest(text('manifests', file), target);
    if (expected) {
      assert.equal(found.problem, undefined);
      assert.deepEqual(asPython(found.manifest), expected);
    } else {
      assert.deepEqual({ code: found.problem.code, entry: found.problem.entry }, problem);
    }
  });
}

test('the goldens have a good and a bad manifest of our own target', () => {
  const own = index.manifests.filter(({ target }) => target === TARGET);
  assert.ok(own.some(({ expected }) => expected?.artifact === ARTIFACT));
});

test('constants are those of every app', () => {
  const { constants } = index;
  assert.deepEqual(
    [OPACITY, SCHEMA, OLDEST_SCHEMA, FLAGS, FLAGS_BY_VALUES, MOST_MEGAPIXELS, MOST_FILE_BYTES, LESIONS],
    [
      constants.opacity,
      constants.schema,
      constants.oldest_schema,
      constants.flags,
      constants.flags_by_values,
      constants.most_megapixels,
      constants.most_file_bytes,
      constants.lesions.map(({ code }) => code),
    ],
  );
});
