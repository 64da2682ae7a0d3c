// Mouse, fingers and keyboard: everything can be done with each.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { launch, openPage, pick, waitFor } from '../chromium.mjs';
import { cases, notRun, served } from '../expected.mjs';
import { assertSameBytes } from '../goldens.mjs';
import { serve } from '../server.mjs';
import { canvasPixels } from '../shown.mjs';

const odd = () => cases('shipped').find(({ name }) => name === 'odd');
const zoomOf = (page) => page.$eval('#window', (element) => Number(element.dataset.zoom));
const placeOf = (page) => page.$eval('#picture', (element) => element.style.transform);
const focused = (page) =>
  page.evaluate(() => document.activeElement.id || document.activeElement.dataset.code);
const drawn = (page) =>
  page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );

// The photo without lesions: the frame, cut to its content.
function bare({ golden, read }, frameWidth) {
  const [height, width] = golden.content_hw;
  const frame = read('frame.rgb');
  return Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const y = Math.floor(i / (width * 3));
    return frame[y * frameWidth * 3 + (i % (width * 3))];
  });
}

async function tabTo(page, wanted) {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === wanted) return;
  }
  assert.fail(`Tab never comes to ${wanted}`);
}

const outlined = (page) =>
  page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  });

describe('hands', { skip: notRun }, () => {
  let [chromium, server, opened, page] = [];
  before(async () => {
    chromium = await launch();
    server = await serve(served('shipped'));
    opened = await openPage(chromium.browser, server.url);
    page = opened.page;
    await waitFor(page, 'ready');
  });
  after(async () => {
    await chromium.close();
    await server.close();
  });

  test('with the keyboard alone: choose, look closer, switch, make clear', async () => {
    await tabTo(page, 'pick');
    assert.ok(await outlined(page));
    const asked = page.waitForFileChooser();
    await page.evaluate(() => null); // a round trip later the browser minds choosers
    await page.keyboard.press('Enter');
    await (await asked).accept([odd().path]);
    assert.equal(await waitFor(page, 'shown', 'failed'), 'shown');

    await page.evaluate(() => document.activeElement.blur());
    await tabTo(page, 'window');
    assert.ok(await outlined(page));
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    assert.equal(await zoomOf(page), 2.25);
    const before = await placeOf(page);
    await page.keyboard.press('ArrowRight');
    assert.notEqual(await placeOf(page), before);
    await page.keyboard.press('-');
    assert.equal(await zoomOf(page), 1.5);
    await page.keyboard.press('0');
    assert.equal(await zoomOf(page), 1);

    await tabTo(page, 'EX');
    assert.ok(await outlined(page));
    await page.keyboard.press('Space');
    await drawn(page);
    const photo = bare(odd(), 640);
    assertSameBytes(await canvasPixels(page), photo, 'switched off');
    await page.keyboard.press('Space');
    await drawn(page);
    assert.notDeepEqual(await canvasPixels(page), photo, 'switched on again');

    await tabTo(page, 'opacity');
    await page.keyboard.press('Home');
    await drawn(page);
    assertSameBytes(await canvasPixels(page), photo, 'opacity 0');
    assert.equal(await page.$eval('#opacity-value', (output) => output.textContent), '0 %');
  });

  test('the result is said once, as a sentence', async () => {
    await pick(page, odd().path);
    const text = await page.$eval('#status[role=status]', (status) => status.textContent);
    assert.match(
      text,
      /^Done in \d+ ms\. Picture quality \d+ %\. Hard exudates: [\d,]+, [\d.]+ % of the retina$/,
    );
  });

  test('a dropped and a pasted photo are looked at like a chosen one', async () => {
    const content = readFileSync(odd().path).toString('base64');
    for (const kind of ['drop', 'paste']) {
      await page.evaluate(
        (event, base64) => {
          const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], 'odd.png', { type: 'image/png' }));
          const made =
            event === 'drop'
              ? new DragEvent('drop', { dataTransfer: data, cancelable: true, bubbles: true })
              : new ClipboardEvent('paste', { clipboardData: data, bubbles: true });
          document.querySelector('#stage').dispatchEvent(made);
        },
        kind,
        content,
      );
      await page.waitForFunction(() => mobileseg.state === 'busy');
      assert.equal(await waitFor(page, 'shown', 'failed'), 'shown', kind);
      assert.deepEqual(
        await page.evaluate(() => mobileseg.result.contentHw),
        odd().golden.content_hw,
      );
    }
  });

  test('the wheel zooms around the pointer, the mouse drags, a double click fits again', async () => {
    const { x, y, width, height } = await page.$eval('#window', (element) =>
      element.getBoundingClientRect().toJSON(),
    );
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.wheel({ deltaY: -400 });
    await page.waitForFunction(() => Number(document.querySelector('#window').dataset.zoom) > 2);
    const before = await placeOf(page);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 40, y + height / 2 + 25);
    await page.mouse.up();
    assert.notEqual(await placeOf(page), before);
    const released = await placeOf(page);
    await page.mouse.move(x + 20, y + 20);
    assert.equal(await placeOf(page), released, 'let go');
    await page.mouse.click(x + width / 2, y + height / 2, { count: 2 });
    assert.equal(await zoomOf(page), 1);
  });

  test('two fingers zoom', async () => {
    const phone = await openPage(chromium.browser, server.url, {
      viewport: { width: 390, height: 844, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
    });
    await waitFor(phone.page, 'ready');
    await pick(phone.page, odd().path);
    const { x, y, width, height } = await phone.page.$eval('#window', (element) =>
      element.getBoundingClientRect().toJSON(),
    );
    const session = await phone.page.createCDPSession();
    const touch = (type, spread) =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints:
          spread === null
            ? []
            : [-1, 1].map((side, id) => ({
                x: x + width / 2 + side * spread,
                y: y + height / 2,
                id,
              })),
      });
    await touch('touchStart', 30);
    for (const spread of [45, 60, 75, 90]) await touch('touchMove', spread);
    await touch('touchEnd', null);
    await phone.page.waitForFunction(
      () => Number(document.querySelector('#window').dataset.zoom) > 2,
    );
    const box = await phone.page.evaluate(() => [visualViewport.scale, scrollX]);
    assert.deepEqual(box, [1, 0], 'the picture grew, not the page');
    await phone.context.close();
  });

  test('the picture is saved as it is shown', async () => {
    await pick(page, odd().path);
    const saved = await page.evaluate(async () => {
      const link = await new Promise((resolve) => {
        HTMLAnchorElement.prototype.click = function click() {
          resolve(this);
        };
        document.querySelector('#save').click();
      });
      const image = Object.assign(new Image(), { src: link.href });
      await image.decode();
      const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
      context.drawImage(image, 0, 0);
      const canvas = document.querySelector('#picture');
      const shown = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      const read = context.getImageData(0, 0, image.width, image.height).data;
      return {
        name: link.download,
        same: shown.length === read.length && shown.every((value, i) => value === read[i]),
      };
    });
    assert.deepEqual(saved, { name: 'retina-lesions.png', same: true });
  });
});
