// Width and height of a picture from the first bytes of its file: a photo that is too large is
// refused before a browser decodes it, which may take the whole tab with it.

// [height, width] as stored, or null where the header does not tell. `read(offset, length)` gives
// the bytes there; fewer, at the end of the file.
export async function pictureHw(read) {
  const start = await read(0, 32);
  const format = FORMATS.find(({ magic }) => magic(start));
  return format ? format.hw(start, read) : null;
}

const text = (bytes, at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
const big16 = (bytes, at) => bytes[at] * 256 + bytes[at + 1];
const big32 = (bytes, at) => big16(bytes, at) * 65536 + big16(bytes, at + 2);
const little16 = (bytes, at) => bytes[at] + bytes[at + 1] * 256;
const little24 = (bytes, at) => little16(bytes, at) + bytes[at + 2] * 65536;
const whole = (hw) => (hw.every((n) => n > 0) ? hw : null);

const FORMATS = [
  {
    magic: (bytes) => text(bytes, 1, 3) === 'PNG' && text(bytes, 12, 4) === 'IHDR',
    hw: (bytes) => whole([big32(bytes, 20), big32(bytes, 16)]),
  },
  { magic: (bytes) => big16(bytes, 0) === 0xffd8, hw: (_, read) => jpegHw(read) },
  {
    magic: (bytes) =>
      text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 4) === 'WEBP' && bytes.length >= 30,
    hw: webpHw,
  },
  {
    magic: (bytes) => text(bytes, 0, 4) === 'GIF8' && bytes.length >= 10,
    hw: (bytes) => whole([little16(bytes, 8), little16(bytes, 6)]),
  },
];

// The size stands in the start-of-frame segment, behind segments of any length (EXIF, profiles).
async function jpegHw(read) {
  for (let at = 2, segments = 0; segments < 1000; segments++) {
    const bytes = await read(at, 9);
    if (bytes.length < 9 || bytes[0] !== 0xff) return null;
    const marker = bytes[1];
    if (marker === 0xff)
      at += 1; // a fill byte
    else if (isStartOfFrame(marker)) return whole([big16(bytes, 5), big16(bytes, 7)]);
    else at += 2 + big16(bytes, 2);
  }
  return null;
}

// C0 to CF but the three that are tables: Huffman, reserved, arithmetic coding.
const isStartOfFrame = (marker) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

// Three kinds: lossy, lossless, and the extended one whose first chunk is the canvas.
function webpHw(bytes) {
  const kind = text(bytes, 12, 4);
  if (kind === 'VP8X') return [little24(bytes, 27) + 1, little24(bytes, 24) + 1];
  if (kind === 'VP8 ') return whole([little16(bytes, 28) & 0x3fff, little16(bytes, 26) & 0x3fff]);
  if (kind !== 'VP8L') return null;
  const packed = little24(bytes, 21) + bytes[24] * 2 ** 24; // 14 bits each, one less than the size
  return [(Math.floor(packed / 2 ** 14) & 0x3fff) + 1, (packed & 0x3fff) + 1];
}
