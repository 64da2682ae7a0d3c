// What every visitor meets: contrast, labels, small screens, both schemes, a quiet console.
// SCREENSHOT=FILE: also takes the picture of the page at phone size.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';

import { launch, openPage, pick, waitFor } from '../chromium.mjs';
import { inExpected, notRun, served } from '../expected.mjs';
import { serve } from '../server.mjs';

const PHONE = { width: 390, height: 844, hasTouch: true, isMobile: true };
const scheme = (value) => [{ name: 'prefers-color-scheme', value }];
const sample = () =>
  JSON.parse(readFileSync(inExpected('samples', 'index.json'), 'utf8')).samples.at(-1).file;
const axe = () =>
  readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function violations(page) {
  await page.evaluate(axe());
  const found = await page.evaluate(async () => {
    const { violations: all, passes } = await axe.run(document, { resultTypes: ['violations'] });
    return {
      checked: passes.length,
      all: all.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    };
  });
  assert.ok(found.checked > 10, 'axe looked at nothing');
  return found.all;
}

const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe('look', { skip: notRun }, () => {
  let [chromium, server] = [];
  before(async () => {
    chromium = await launch();
    server = await serve(served('four'));
  });
  after(async () => {
    await chromium.close();
    await server.close();
  });

  for (const value of ['light', 'dark']) {
    test(`${value}: axe finds nothing, before and after a photo, and beside a problem`, async () => {
      const { page, context, errors } = await openPage(chromium.browser, server.url, {
        media: scheme(value),
      });
      await waitFor(page, 'ready');
      await page.waitForSelector('#sample-list button');
      assert.deepEqual(await violations(page), []);
      assert.equal(await pick(page, inExpected('samples', sample())), 'shown');
      assert.deepEqual(await violations(page), []);
      await pick(page, inExpected('bad', 'words.jpg'));
      assert.deepEqual(await violations(page), []);
      assert.deepEqual(errors, []);
      await context.close();
    });
  }

  for (const [width, path] of [
    [360, ''],
    [360, '?lang=de'],
    [320, '?lang=de'],
  ]) {
    test(`at ${width} px nothing is cut or scrolls sideways (${path || 'English'})`, async () => {
      const viewport = { ...PHONE, width };
      const { page, context } = await openPage(chromium.browser, server.url, {
        viewport,
        path,
        stored: false,
      });
      await waitFor(page, 'ready');
      assert.equal(await overflow(page), 0);
      await pick(page, inExpected('samples', sample()));
      assert.equal(await overflow(page), 0);
      await pick(page, inExpected('bad', 'words.jpg'));
      assert.equal(await overflow(page), 0);
      const small = await page.$$eval('button, #lesions label, #opacity', (all) =>
        all
          .map((element) => [element.id || element.textContent, element.getBoundingClientRect()])
          .filter(([, { width: w, height: h }]) => w > 0 && (w < 40 || h < 28))
          .map(([name]) => name),
      );
      assert.deepEqual(small, [], 'too small for a finger');
      await context.close();
    });
  }

  test('nothing moves for those who asked for that', async () => {
    const media = [{ name: 'prefers-reduced-motion', value: 'reduce' }];
    const { page, context } = await openPage(chromium.browser, server.url, {
      media,
      stored: false,
    });
    await waitFor(page, 'ready');
    const moving = await page.evaluate(() => {
      document.querySelector('#busy').hidden = false;
      return document.getAnimations().length;
    });
    assert.equal(moving, 0);
    await context.close();
  });

  if (process.env.SCREENSHOT)
    test('a screenshot at phone size', async () => {
      const shown = await serve(served('shipped'));
      const viewport = { ...PHONE, deviceScaleFactor: 2 };
      const { page, context } = await openPage(chromium.browser, shown.url, {
        viewport,
        media: scheme('light'),
      });
      await waitFor(page, 'ready');
      await pick(page, inExpected('samples', sample()));
      await page.waitForSelector('#offline-row:not([hidden])');
      await page.screenshot({ path: process.env.SCREENSHOT });
      await context.close();
      await shown.close();
    });
});
