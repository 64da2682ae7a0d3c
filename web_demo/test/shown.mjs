// What a page shows, as bytes: puppeteer carries only JSON, so they come as base64.

async function carried(page, take) {
  const text = await page.evaluate(`(() => {
    const bytes = new Uint8Array((${take})());
    let text = '';
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(text);
  })()`);
  return new Uint8Array(Buffer.from(text, 'base64'));
}

export const frameBytes = (page) => carried(page, '() => mobileseg.result.frame');

export async function probabilities(page) {
  const found = await carried(page, '() => mobileseg.result.probabilities.slice().buffer');
  return new Float32Array(found.buffer);
}

// (h · w · 3) RGB of the canvas.
export const canvasPixels = (page) =>
  carried(
    page,
    `() => {
    const canvas = document.querySelector('#picture');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((_, i) => i % 4 !== 3);
  }`,
  );
