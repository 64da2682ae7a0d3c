import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { Fitter, fittedHw } from '../../src/fit.js';
import { assertSameBytes, assertSome, bytes, index, json } from '../goldens.mjs';
import { upright } from '../orient.mjs';

for (const name of assertSome(index.photo_to_frame, 'photos')) {
  test(`a photo becomes Python's frame: ${name}`, () => {
    const golden = json('photo_to_frame', name, 'case.json');
    const stored = bytes('photo_to_frame', name, 'photo.rgb');
    const { pixels, hw } = upright(stored, golden.photo_hw, golden.orientation);
    assert.deepEqual(hw, golden.upright_hw);
    assert.deepEqual(fittedHw(hw, golden.frame_hw), golden.content_hw);
    const fitter = new Fitter(hw, golden.frame_hw);
    fitter.add(pixels, 3);
    assertSameBytes(fitter.frame, bytes('photo_to_frame', name, 'frame.rgb'), name);
  });
}

// Row by row and with a fourth value, as a canvas gives it.
function fitFormula([h, w], frameHw) {
  const fitter = new Fitter([h, w], frameHw);
  const row = new Uint8ClampedArray(w * 4);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let c = 0; c < 3; c++)
        row[x * 4 + c] = (x * 31 + y * 17 + c * 101 + ((x * y) >> 7)) & 255;
    }
    fitter.add(row, 4);
  }
  return fitter;
}

for (const golden of assertSome(index.large_photos, 'large photos')) {
  test(`a large photo becomes Python's frame: ${golden.name}`, () => {
    const fitter = fitFormula(golden.photo_hw, golden.frame_hw);
    assert.deepEqual(fitter.contentHw, golden.content_hw);
    const found = createHash('sha256').update(fitter.frame).digest('hex');
    assert.equal(found, golden.frame_sha256);
  });
}
