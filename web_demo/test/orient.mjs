// EXIF orientation on raw pixels. The page leaves it to the browser; these tests have no browser.

// Where an upright pixel comes from, given (row, column) upright and the stored height and width.
const SOURCES = {
  1: (y, x) => [y, x],
  2: (y, x, h, w) => [y, w - 1 - x],
  3: (y, x, h, w) => [h - 1 - y, w - 1 - x],
  4: (y, x, h) => [h - 1 - y, x],
  5: (y, x) => [x, y],
  6: (y, x, h) => [h - 1 - x, y],
  7: (y, x, h, w) => [h - 1 - x, w - 1 - y],
  8: (y, x, h, w) => [x, w - 1 - y],
};

export function upright(pixels, [h, w], orientation) {
  const [height, width] = orientation > 4 ? [w, h] : [h, w];
  const turned = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [row, column] = SOURCES[orientation](y, x, h, w);
      turned.set(
        pixels.subarray((row * w + column) * 3, (row * w + column) * 3 + 3),
        (y * width + x) * 3,
      );
    }
  }
  return { pixels: turned, hw: [height, width] };
}
