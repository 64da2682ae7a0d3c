// A photo's file -> the frame that the model takes. The browser turns it upright and into sRGB;
// everything after that is whole numbers.

import { MOST_FILE_BYTES, MOST_MEGAPIXELS } from './constants.js';
import { Fitter } from './fit.js';
import { pictureHw } from './header.js';
import { Problem, asProblem } from './problem.js';

const TILE_PX = 4096; // columns: some phones draw nothing on canvases over 16384
const STRIP_PIXELS = 2 ** 20; // read back at a time, 4 MB

// {frame: (H · W · 3) RGB, contentHw, photoHw (upright)}
export async function photoToFrame(file, frameHw) {
  const name = file.name ?? '';
  await refuseLarge(file, name);
  const bitmap = await decode(file, name);
  try {
    const photoHw = [bitmap.height, bitmap.width];
    refusePixels(photoHw, name);
    const fitter = new Fitter(photoHw, frameHw);
    for (const rows of strips(bitmap)) fitter.add(rows, 4);
    return { frame: fitter.frame, contentHw: fitter.contentHw, photoHw };
  } finally {
    bitmap.close();
  }
}

async function refuseLarge(file, name) {
  if (file.size > MOST_FILE_BYTES) {
    throw new Problem('error_file_large', name, Math.ceil(file.size / 1e6), MOST_FILE_BYTES / 1e6);
  }
  const read = async (offset, length) =>
    new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
  try {
    refusePixels((await pictureHw(read)) ?? [0, 0], name);
  } catch (error) {
    throw asProblem(error, () => new Problem('error_photo_unreadable', name));
  }
}

function refusePixels([h, w], name) {
  const megapixels = (h * w) / 1e6;
  if (megapixels > MOST_MEGAPIXELS) {
    throw new Problem('error_photo_large', name, Math.ceil(megapixels), MOST_MEGAPIXELS);
  }
}

async function decode(file, name) {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch (error) {
    throw asProblem(error, () => new Problem('error_photo_unreadable', name));
  }
}

// Whole rows from top to bottom, RGBA in sRGB, what is clear as black.
function* strips(bitmap) {
  const { width, height } = bitmap;
  const tile = Math.min(width, TILE_PX);
  const most = Math.min(height, Math.max(1, Math.floor(STRIP_PIXELS / width)));
  const canvas = new OffscreenCanvas(tile, most);
  const context = canvas.getContext('2d', {
    alpha: false,
    colorSpace: 'srgb',
    willReadFrequently: true,
  });
  context.imageSmoothingEnabled = false;
  for (let top = 0; top < height; top += most) {
    const count = Math.min(most, height - top);
    if (tile === width) {
      yield readTile(context, bitmap, 0, top, width, count);
      continue;
    }
    const rows = new Uint8ClampedArray(width * count * 4);
    for (let left = 0; left < width; left += tile) {
      const across = Math.min(tile, width - left);
      const pixels = readTile(context, bitmap, left, top, across, count);
      for (let y = 0; y < count; y++) {
        rows.set(pixels.subarray(y * across * 4, (y + 1) * across * 4), (y * width + left) * 4);
      }
    }
    yield rows;
  }
}

function readTile(context, bitmap, left, top, width, height) {
  context.fillStyle = '#000'; // what is clear shows it, not the tile before
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, left, top, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height, { colorSpace: 'srgb' }).data;
}
