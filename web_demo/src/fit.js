// Photo -> frame: exact-area average in whole numbers, never enlarged, top left, the rest black.
// The same function in Python (mobileseg/spec.py), Kotlin and Swift: the only resize on which all
// of them agree to the bit. Rows come one by one, so that a 50 MP photo never stands here whole.

// Height and width of a photo once it fits the frame; the other side is rounded half up.
export function fittedHw([h, w], [frameH, frameW]) {
  if (h <= frameH && w <= frameW) return [h, w];
  if (h * frameW > w * frameH)
    return [frameH, Math.max(1, Math.floor((2 * w * frameH + h) / (2 * h)))];
  return [Math.max(1, Math.floor((2 * h * frameW + w) / (2 * w))), frameW];
}

// Takes a photo's rows from top to bottom, and then holds its frame.
export class Fitter {
  constructor(photoHw, frameHw) {
    this.photoHw = photoHw;
    this.frameHw = frameHw;
    this.contentHw = fittedHw(photoHw, frameHw);
    this.frame = new Uint8Array(frameHw[0] * frameHw[1] * 3);
    this.row = 0; // of the photo, the next to come
    // Sums reach 255 · h · w, which is over 2 ** 32 and far under 2 ** 53.
    this.sums = new Float64Array(this.contentHw[1] * 3);
    this.across = new Float64Array(this.contentHw[1] * 3);
  }

  // `pixels`: whole rows; `step` values a pixel, of which the first three are red, green, blue.
  add(pixels, step) {
    const rowLength = this.photoHw[1] * step;
    for (let start = 0; start < pixels.length; start += rowLength) {
      const row = pixels.subarray(start, start + rowLength);
      if (this.contentHw[0] === this.photoHw[0] && this.contentHw[1] === this.photoHw[1]) {
        this.#copy(row, step);
      } else {
        averageAcross(row, step, this.photoHw[1], this.contentHw[1], this.across);
        this.#down();
      }
      this.row += 1;
    }
  }

  #copy(row, step) {
    let to = this.row * this.frameHw[1] * 3;
    for (let from = 0; from < row.length; from += step) {
      this.frame[to++] = row[from];
      this.frame[to++] = row[from + 1];
      this.frame[to++] = row[from + 2];
    }
  }

  // Photo row k covers [k · newH, (k + 1) · newH), frame row i [i · h, (i + 1) · h).
  #down() {
    const [h, newH] = [this.photoHw[0], this.contentHw[0]];
    const { sums, across } = this;
    let left = newH; // of this row, in 1/newH
    while (left > 0) {
      const at = this.row * newH + (newH - left);
      const i = Math.floor(at / h);
      const part = Math.min(left, (i + 1) * h - at);
      for (let x = 0; x < sums.length; x++) sums[x] += across[x] * part;
      left -= part;
      if (at + part === (i + 1) * h) this.#put(i);
    }
  }

  #put(i) {
    const area = this.photoHw[0] * this.photoHw[1];
    const to = i * this.frameHw[1] * 3;
    for (let x = 0; x < this.sums.length; x++) {
      this.frame[to + x] = Math.floor((2 * this.sums[x] + area) / (2 * area));
    }
    this.sums.fill(0);
  }
}

// Sums of one row over `newW` equal stretches, in units of 1/newW of a pixel.
function averageAcross(row, step, w, newW, across) {
  let k = 0; // the pixel that the stretch begins in
  let left = newW; // of that pixel, what no stretch has yet
  for (let j = 0; j < newW; j++) {
    let wanted = w;
    let [red, green, blue] = [0, 0, 0];
    while (wanted > 0) {
      const part = left < wanted ? left : wanted;
      const at = k * step;
      red += row[at] * part;
      green += row[at + 1] * part;
      blue += row[at + 2] * part;
      wanted -= part;
      left -= part;
      if (left === 0) {
        k += 1;
        left = newW;
      }
    }
    across[3 * j] = red;
    across[3 * j + 1] = green;
    across[3 * j + 2] = blue;
  }
}
