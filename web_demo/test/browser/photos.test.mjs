// A photo in, and what the page then shows is what Python finds in it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { launch, openPage, pick, waitFor } from '../chromium.mjs';
import { cases, manifestOf, notRun, served } from '../expected.mjs';
import { assertSameBytes, bytes, index } from '../goldens.mjs';
import { serve } from '../server.mjs';
import { canvasPixels, frameBytes, probabilities } from '../shown.mjs';

function assertNear(found, expected, most, what) {
  assert.equal(found.length, expected.length, `${what}: length`);
  let [worst, at] = [0, 0];
  found.forEach((value, i) => {
    const off = Math.abs(value - expected[i]);
    if (off > worst || Number.isNaN(off)) [worst, at] = [off, i];
  });
  assert.ok(
    worst <= most,
    `${what}: value ${at} is ${found[at]}, expected ${expected[at]} within ${most}`,
  );
}

// Network pixels whose side of the threshold may differ, as the probability is that close to it.
function undecided(values, manifest, tolerance) {
  const side = manifest.outputs[0].shape[2];
  const open = new Uint8Array(side * side);
  manifest.lesions.forEach(({ threshold }, c) => {
    for (let i = 0; i < open.length; i++) {
      if (Math.abs(values[c * open.length + i] - threshold) <= tolerance) open[i] = 1;
    }
  });
  return { side, open };
}

// Each pixel is Python's, or lies where the two may decide differently.
function assertSameOverlay(found, expected, golden, { side, open }) {
  const [left, top, width, height] = golden.crop;
  const columns = golden.content_hw[1];
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) {
    if (found[i] === expected[i]) continue;
    const [y, x] = [Math.floor(i / 3 / columns), Math.floor(i / 3) % columns];
    const [row, column] = [
      Math.floor(((y - top) * side) / height),
      Math.floor(((x - left) * side) / width),
    ];
    assert.ok(open[row * side + column], `pixel ${y}, ${x}: ${found[i]}, expected ${expected[i]}`);
  }
}

// The deliberate step, where the picture is unusable: its lesions are not drawn before it.
async function toldAll(page) {
  if (await page.evaluate(() => mobileseg.result.told)) return;
  await page.click('.note.warning button');
  await page.waitForFunction(() => mobileseg.result.told);
}

async function assertSameAnswer(page, { golden, read }, manifest) {
  const expected = new Float32Array(read('probabilities.f32').buffer);
  assertNear(await probabilities(page), expected, golden.tolerance, 'probabilities');
  const { crop, retina, flags, findings, contentHw } = await page.evaluate(() => mobileseg.result);
  assert.deepEqual(contentHw, golden.content_hw);
  assert.deepEqual(crop, golden.crop);
  assert.equal(retina, golden.retina);
  assert.deepEqual(flags, golden.flags);
  const doubt = undecided(expected, manifest, golden.tolerance);
  await toldAll(page);
  assertSameOverlay(await canvasPixels(page), read('overlay.rgb'), golden, doubt);
  const most = doubt.open.reduce((sum, value) => sum + value, 0);
  for (const [code, { pixels, count, area }] of Object.entries(golden.lesions)) {
    assert.ok(Math.abs(findings[code].pixels - pixels) <= most, `${code}: pixels`);
    if (findings[code].pixels !== pixels) continue; // then count and area may move with them
    assert.deepEqual([findings[code].count, findings[code].area], [count, area], code);
  }
}

describe('photos', { skip: notRun }, () => {
  let chromium;
  before(async () => {
    chromium = await launch();
  });
  after(() => chromium.close());

  for (const bundle of notRun ? [] : ['shipped', 'four']) {
    describe(`model ${bundle}`, () => {
      let [server, opened] = [];
      before(async () => {
        server = await serve(served(bundle));
        opened = await openPage(chromium.browser, server.url);
        assert.equal(await waitFor(opened.page, 'ready', 'failed'), 'ready');
      });
      after(async () => {
        await opened.context.close();
        await server.close();
      });

      for (const one of cases(bundle)) {
        test(`${one.name}: the frame and what is found in it are Python's`, async () => {
          assert.equal(await pick(opened.page, one.path), 'shown');
          const frame = await frameBytes(opened.page);
          if (one.golden.levels) {
            assertNear(frame, one.read('frame.rgb'), one.golden.levels, 'frame');
          } else {
            assertSameBytes(frame, one.read('frame.rgb'), 'frame');
            await assertSameAnswer(opened.page, one, manifestOf(bundle));
          }
        });
      }

      test('nothing was said on the console, nothing asked of another host', () => {
        assert.deepEqual([opened.errors, opened.outside], [[], []]);
      });
    });
  }

  test('colours of a wide-gamut picture are those of Python, within two levels', async () => {
    const server = await serve(served('shipped'));
    const { page, context } = await openPage(chromium.browser, server.url);
    server.replaced['samples/p3.png'] = Buffer.from(bytes('colours', 'display-p3.png'));
    server.replaced['samples/index.json'] = Buffer.from('{"samples": [{"file": "p3.png"}]}');
    await page.reload();
    await waitFor(page, 'ready');
    await page.waitForSelector('#sample-list button');
    await page.click('#sample-list button');
    await waitFor(page, 'shown');
    const expected = index.colours.flatMap(({ to }) => to);
    assert.ok(expected.length > 0);
    assertNear((await frameBytes(page)).subarray(0, expected.length), expected, 2, 'colours');
    await context.close();
    await server.close();
  });
});
