import assert from 'node:assert/strict';
import { test } from 'node:test';

import { finding, flags, threshold } from '../../src/findings.js';
import { overlay } from '../../src/overlay.js';
import { assertSameBytes, assertSome, bytes, floats, index, json } from '../goldens.mjs';

for (const name of assertSome(index.thresholds, 'thresholds')) {
  test(`a probability at the threshold is lesion: ${name}`, () => {
    const golden = json('thresholds', name, 'case.json');
    const mask = threshold(floats('thresholds', name, 'probabilities.f32'), golden.threshold);
    assert.equal(mask.length, golden.count);
    assertSameBytes(mask, bytes('thresholds', name, 'mask.u8'), name);
  });
}

function read(name) {
  const golden = json('overlays', name, 'case.json');
  const probabilities = floats('overlays', name, 'probabilities.f32');
  const size = golden.side ** 2;
  const masks = golden.lesions.map((lesion, c) =>
    threshold(probabilities.subarray(c * size, (c + 1) * size), lesion.threshold),
  );
  return { golden, masks };
}

function withoutAlpha(rgba) {
  return rgba.filter((_, i) => i % 4 !== 3);
}

for (const name of assertSome(index.overlays, 'overlays')) {
  test(`lesions are coloured as by Python: ${name}`, () => {
    const { golden, masks } = read(name);
    const drawn = overlay({
      frame: bytes('overlays', name, 'frame.rgb'),
      frameHw: golden.frame_hw,
      contentHw: golden.content_hw,
      side: golden.side,
      crop: golden.crop,
      opacity: golden.opacity,
      lesions: golden.lesions.map((lesion, c) => ({ ...lesion, mask: masks[c] })),
    });
    assert.ok(
      drawn.every((value, i) => i % 4 !== 3 || value === 255),
      'alpha is not 255 everywhere',
    );
    assertSameBytes(withoutAlpha(drawn), bytes('overlays', name, 'overlay.rgb'), name);
  });

  test(`lesions are counted and measured as by Python: ${name}`, () => {
    const { golden, masks } = read(name);
    const found = golden.lesions.map(({ code }, c) => {
      const { count, pixels, area, basisPoints } = finding(masks[c], golden.side, golden.retina);
      return [code, { count, pixels, area, basis_points: basisPoints }];
    });
    assert.deepEqual(Object.fromEntries(found), golden.expected.lesions);
    assert.deepEqual(flags(golden.crop, golden.retina, golden.side), golden.expected.flags);
  });
}
