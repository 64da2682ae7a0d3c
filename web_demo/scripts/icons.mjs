// npm run icons: draws the icon, a retina with one dot for each lesion, as SVG and as the PNG
// sizes that browsers ask for before they install a page. One list of circles is behind both.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';

const TO = join(import.meta.dirname, '..', 'icons');
const SIZES = [192, 512];
const SAMPLES = 4; // per pixel and axis, for smooth edges
const GROUND = '#0e1f1e';
// In hundredths of the icon. All lies within the middle 80 %, which a maskable icon keeps.
const CIRCLES = [
  { x: 50, y: 50, r: 36, colour: '#b4532f' },
  { x: 50, y: 50, r: 32.5, colour: '#c9683f' },
  { x: 66, y: 47, r: 7, colour: '#f6d9a4' },
  { x: 38, y: 36, r: 5, colour: '#56b4e9' },
  { x: 50, y: 66, r: 5.5, colour: '#00d678' },
  { x: 31, y: 54, r: 4.5, colour: '#e13ce1' },
  { x: 50, y: 29, r: 3.5, colour: '#faf03c' },
];

function svg() {
  const circles = CIRCLES.map(
    ({ x, y, r, colour }) => `<circle cx="${x}" cy="${y}" r="${r}" fill="${colour}"/>`,
  );
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">',
    `<rect width="100" height="100" rx="22" fill="${GROUND}"/>`,
    ...circles,
    '</svg>\n',
  ].join('\n');
}

const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

function colourAt(x, y) {
  const last = CIRCLES.findLast((circle) => Math.hypot(x - circle.x, y - circle.y) < circle.r);
  return rgb(last?.colour ?? GROUND);
}

function pixel(column, row, size) {
  const sum = [0, 0, 0];
  for (let i = 0; i < SAMPLES * SAMPLES; i++) {
    const x = ((column + ((i % SAMPLES) + 0.5) / SAMPLES) * 100) / size;
    const y = ((row + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES) * 100) / size;
    colourAt(x, y).forEach((value, c) => {
      sum[c] += value;
    });
  }
  return sum.map((value) => Math.round(value / SAMPLES ** 2));
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function chunk(type, content) {
  const body = Buffer.concat([Buffer.from(type, 'ascii'), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

// Full bleed: the system cuts the corners as it likes.
function png(size) {
  const rows = Buffer.alloc(size * (1 + size * 3)); // each row after its filter's number, 0: none
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) rows.set(pixel(x, y, size), y * (1 + size * 3) + 1 + x * 3);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2], 8); // 8 bits a channel, RGB
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

mkdirSync(TO, { recursive: true });
writeFileSync(join(TO, 'icon.svg'), svg());
for (const size of SIZES) writeFileSync(join(TO, `icon-${size}.png`), png(size));
console.log(`icons/: icon.svg, ${SIZES.map((size) => `icon-${size}.png`).join(', ')}`);
