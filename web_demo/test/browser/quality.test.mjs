// A picture that the model itself calls poor: what is wrong with it stands before any figure.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { launch, openPage, pick, waitFor } from '../chromium.mjs';
import { cases, inExpected, manifestOf, notRun, served } from '../expected.mjs';
import { assertSameBytes } from '../goldens.mjs';
import { serve } from '../server.mjs';
import { canvasPixels } from '../shown.mjs';

const expected = () => JSON.parse(readFileSync(inExpected('judged', 'quality.json'), 'utf8'));
const said = (page, selector) => page.$eval(selector, (element) => element.textContent);
const figures = (page) =>
  page.$$eval('#lesions td', (cells) => cells.map(({ textContent }) => textContent));

describe('quality', { skip: notRun }, () => {
  let [chromium, server, one] = [];
  before(async () => {
    chromium = await launch();
    server = await serve(served('judged'));
    [one] = cases('judged');
  });
  after(async () => {
    await chromium.close();
    await server.close();
  });

  async function shown(path = '') {
    const opened = await openPage(chromium.browser, server.url, { path, stored: false });
    assert.equal(await waitFor(opened.page, 'ready', 'failed'), 'ready');
    assert.equal(await pick(opened.page, one.path), 'shown');
    return opened;
  }

  for (const language of ['en', 'de']) {
    test(`an unusable picture's lesions wait for a deliberate step: ${language}`, async () => {
      const { page, context, errors } = await shown(`?lang=${language}`);
      const { sentences, percent } = expected();
      assert.equal(await said(page, '.note.warning p'), sentences[language].join(' '));
      assert.equal(await said(page, '#quality b'), `${percent} %`);
      assert.ok((await figures(page)).every((text) => text === '–'));
      const status = await said(page, '#status');
      assert.ok(status.startsWith(sentences[language][0].slice(0, -1)), status);
      const plain = await canvasPixels(page);
      await page.click('.note.warning button');
      await page.waitForFunction(() => mobileseg.result.told);
      const found = await figures(page);
      assert.ok(!found.includes('–') && found.some((text) => /[1-9]/.test(text)), found);
      assert.equal(await said(page, '.note.warning p'), sentences[language].join(' '));
      assert.equal(await page.$('.note.warning button'), null);
      const coloured = await canvasPixels(page);
      assertSameBytes(coloured, one.read('overlay.rgb'), 'overlay');
      assert.ok(plain.some((value, i) => value !== coloured[i]));
      assert.deepEqual(errors, []);
      await context.close();
    });
  }

  test('a usable picture has its figures at once, below what is said of it', async () => {
    const manifest = manifestOf('judged');
    manifest.quality.usable = 0.1;
    server.replaced['model/model.json'] = Buffer.from(JSON.stringify(manifest));
    const { page, context } = await shown();
    assert.equal(await said(page, '.note.warning p'), expected().sentences.en.join(' '));
    assert.equal(await page.$('.note.warning button'), null);
    assert.ok(!(await figures(page)).includes('–'));
    delete server.replaced['model/model.json'];
    await context.close();
  });

  test('a lesion has the name of its manifest, and calibration is told', async () => {
    const { page, context } = await shown('?lang=de');
    assert.match(await said(page, '#lesions label'), /^Ausgedachte Flecken$/);
    assert.match(await said(page, '#model'), /, kalibriert$/);
    await context.close();
  });
});
