import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pictureHw } from '../../src/header.js';

const big = (value, count) =>
  Array.from({ length: count }, (_, i) => Math.floor(value / 256 ** (count - 1 - i)) % 256);
const little = (value, count) => big(value, count).reverse();
const ascii = (text) => [...Buffer.from(text, 'latin1')];
const padded = (bytes) => [...bytes, ...new Array(40).fill(0)];

const png = (h, w) =>
  padded([
    ...ascii('\x89PNG\r\n\x1a\n'),
    ...big(13, 4),
    ...ascii('IHDR'),
    ...big(w, 4),
    ...big(h, 4),
  ]);
const segment = (marker, length) => [
  0xff,
  marker,
  ...big(length + 2, 2),
  ...new Array(length).fill(7),
];
const frame = (marker, h, w) => [0xff, marker, ...big(17, 2), 8, ...big(h, 2), ...big(w, 2), 3];
const jpeg = (...parts) => [0xff, 0xd8, ...parts.flat(), ...new Array(40).fill(0)];
const webp = (kind, rest) =>
  padded([...ascii('RIFF'), 0, 0, 0, 0, ...ascii('WEBP'), ...ascii(kind), 0, 0, 0, 0, ...rest]);

const FILES = {
  'a PNG': [png(6001, 9000), [6001, 9000]],
  'a JPEG': [jpeg(segment(0xe0, 14), frame(0xc0, 3000, 4000)), [3000, 4000]],
  'a progressive JPEG behind long EXIF': [
    jpeg(segment(0xe1, 60000), segment(0xc4, 30), frame(0xc2, 3, 65535)),
    [3, 65535],
  ],
  'a JPEG with fill bytes': [jpeg(segment(0xe0, 14), [0xff, 0xff], frame(0xc0, 30, 40)), [30, 40]],
  'a lossy WebP': [
    webp('VP8 ', [0, 0, 0, 0x9d, 0x01, 0x2a, ...little(640, 2), ...little(480, 2)]),
    [480, 640],
  ],
  'a lossless WebP': [
    webp('VP8L', [0x2f, ...little(640 - 1 + (480 - 1) * 2 ** 14, 4)]),
    [480, 640],
  ],
  'an extended WebP': [
    webp('VP8X', [0, 0, 0, 0, ...little(70000 - 1, 3), ...little(2 - 1, 3)]),
    [2, 70000],
  ],
  'a GIF': [padded([...ascii('GIF89a'), ...little(40, 2), ...little(30, 2)]), [30, 40]],
  words: [padded(ascii('these are words')), null],
  nothing: [[], null],
  'a JPEG that ends early': [[0xff, 0xd8, 0xff, 0xe0, 0, 16], null],
  'a JPEG whose segments lead nowhere': [jpeg([1, 2, 3]), null],
  'a PNG of no size': [png(0, 5), null],
};

for (const [name, [bytes, expected]] of Object.entries(FILES)) {
  test(`the header of ${name} tells its size, or nothing`, async () => {
    const all = Uint8Array.from(bytes);
    const read = async (offset, length) => all.subarray(offset, offset + length);
    assert.deepEqual(await pictureHw(read), expected);
  });
}
