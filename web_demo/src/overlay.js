// Colours lesions over the photo they were found in, in whole numbers (as Python's overlay.py).

// The frame cut to its content, with the shown lesions blended; later lesions on top.
// `lesions`: {mask: (side · side) of 0 and 1, colour: [r, g, b], shown}; `crop`: left, top, width,
// height in frame pixels, which may hang out of the frame. Gives RGBA, as canvases take it.
export function overlay({ frame, frameHw, contentHw, side, crop, opacity, lesions }) {
  const [height, width] = contentHw;
  const drawn = new Uint8ClampedArray(height * width * 4).fill(255);
  for (let y = 0; y < height; y++) {
    let from = y * frameHw[1] * 3;
    for (let to = y * width * 4; to < (y + 1) * width * 4; to += 4) {
      drawn[to] = frame[from++];
      drawn[to + 1] = frame[from++];
      drawn[to + 2] = frame[from++];
    }
  }
  const rows = maskPlaces(height, crop[1], crop[3], side);
  const columns = maskPlaces(width, crop[0], crop[2], side);
  for (const lesion of lesions) {
    if (lesion.shown) blend(drawn, lesion, rows, columns, side, opacity);
  }
  return drawn;
}

// Frame pixel y lies in mask row floor((y - top) · side / height); -1 outside the crop.
function maskPlaces(count, start, length, side) {
  return Int32Array.from({ length: count }, (_, at) => {
    const place = Math.floor(((at - start) * side) / length);
    return place >= 0 && place < side ? place : -1;
  });
}

function blend(drawn, { mask, colour }, rows, columns, side, opacity) {
  for (let y = 0; y < rows.length; y++) {
    if (rows[y] < 0) continue;
    for (let x = 0; x < columns.length; x++) {
      if (columns[x] < 0 || !mask[rows[y] * side + columns[x]]) continue;
      const at = (y * columns.length + x) * 4;
      for (let c = 0; c < 3; c++) {
        drawn[at + c] = Math.floor(
          (drawn[at + c] * (255 - opacity) + colour[c] * opacity + 127) / 255,
        );
      }
    }
  }
}
