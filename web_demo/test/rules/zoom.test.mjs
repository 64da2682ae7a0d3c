import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MOST, Zoom } from '../../src/zoom.js';

function fitted() {
  const zoom = new Zoom();
  zoom.fit([400, 300], [200, 100]); // window, picture
  return zoom;
}

test('a fitted picture fills the window one way and stands in the middle the other', () => {
  const { factor, x, y } = fitted();
  assert.deepEqual([factor, x, y], [2, 0, 50]);
});

test('what is under the pointer stays under it', () => {
  const zoom = fitted();
  zoom.by(3, 200, 150);
  const before = [(120 - zoom.x) / zoom.factor, (100 - zoom.y) / zoom.factor];
  zoom.by(2, 120, 100);
  assert.deepEqual([(120 - zoom.x) / zoom.factor, (100 - zoom.y) / zoom.factor], before);
});

test('it never becomes smaller than fitted or larger than the most, and says when nothing changed', () => {
  const zoom = fitted();
  assert.equal(zoom.by(0.5), false);
  assert.equal(zoom.scale, 1);
  assert.equal(zoom.by(1000), true);
  assert.equal(zoom.scale, MOST);
  assert.equal(zoom.by(2), false);
});

test('no gap opens beside a picture that is larger than its window', () => {
  const zoom = fitted();
  zoom.by(4, 0, 0);
  zoom.move(9999, 9999);
  assert.deepEqual([zoom.x, zoom.y], [0, 0]);
  zoom.move(-9999, -9999);
  assert.deepEqual([zoom.x, zoom.y], [400 - 200 * 8, 300 - 100 * 8]);
});

test('keys zoom, move and fit; a fitted picture leaves the arrows to the page', () => {
  const zoom = fitted();
  assert.equal(zoom.key('ArrowLeft'), false);
  assert.equal(zoom.key('+'), true);
  const { x } = zoom;
  assert.equal(zoom.key('ArrowRight'), true);
  assert.ok(zoom.x < x);
  assert.equal(zoom.key('0'), true);
  assert.equal(zoom.scale, 1);
  assert.equal(zoom.key('a'), false);
});
