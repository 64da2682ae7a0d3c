// What can go wrong, and what the page then says.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, openSync, closeSync, ftruncateSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { TABLE } from '../../src/texts-table.js';
import { launch, openPage, pick, waitFor } from '../chromium.mjs';
import { cases, inExpected, manifestOf, notRun, served } from '../expected.mjs';
import { serve } from '../server.mjs';

const said = (page) => page.$eval('.note.problem p', (note) => note.textContent);
const english = (key, ...values) => TABLE[key].en.replace(/\{(\d)\}/g, (_, i) => values[i]);
const asJson = (value) => Buffer.from(JSON.stringify(value));

async function assertFails(page, key, ...values) {
  assert.equal(await waitFor(page, 'failed', 'ready', 'shown'), 'failed');
  assert.equal(await said(page), english(key, ...values));
  assert.equal(await page.$eval('.note.problem', (note) => note.getAttribute('role')), 'alert');
}

// A model of the right sum that is none.
function garbage() {
  const body = Buffer.from('no model at all');
  const manifest = manifestOf('shipped');
  const sha256 = createHash('sha256').update(body).digest('hex');
  manifest.files['model.onnx'] = { sha256, bytes: body.length };
  return { 'model/model.json': asJson(manifest), 'model/model.onnx': body };
}

// What the server gives instead -> what the page says.
const BAD_MODELS = {
  'no model at all': () => [{ 'model/model.json': null }, 'error_no_model'],
  'a manifest without its model': () => [{ 'model/model.onnx': null }, 'error_no_model'],
  'a manifest that is cut': () => [
    { 'model/model.json': Buffer.from('{"schema": 2,') },
    'error_not_json',
  ],
  'a newer schema': () => [
    { 'model/model.json': asJson({ ...manifestOf('shipped'), schema: 4 }) },
    'error_schema_newer',
    4,
    3,
  ],
  'an older schema': () => [
    { 'model/model.json': asJson({ ...manifestOf('shipped'), schema: 1 }) },
    'error_schema',
    1,
    3,
  ],
  'another target': () => [
    { 'model/model.json': asJson({ ...manifestOf('shipped'), target: 'coreml' }) },
    'error_target',
    'coreml',
    'onnx',
  ],
  'a damaged entry': () => [
    { 'model/model.json': asJson({ ...manifestOf('shipped'), lesions: [] }) },
    'error_entry',
    'lesions',
  ],
  'a changed model': () => {
    const body = readFileSync(inExpected('shipped', 'model', 'model.onnx'));
    body[body.length >> 1] ^= 1;
    return [{ 'model/model.onnx': body }, 'error_sum', 'model.onnx'];
  },
  "another bundle's model": () => [
    { 'model/model.onnx': readFileSync(inExpected('four', 'model', 'model.onnx')) },
    'error_sum',
    'model.onnx',
  ],
  'no runtime': () => [
    { 'vendor/ort.wasm.bundle.min.mjs': null },
    'error_network',
    'vendor/ort.wasm.bundle.min.mjs',
  ],
};

describe('failures', { skip: notRun }, () => {
  let [chromium, server, folder] = [];
  before(async () => {
    chromium = await launch();
    folder = mkdtempSync(join(tmpdir(), 'mobileseg-failures-'));
  });
  after(async () => {
    await chromium.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(options = {}, replaced = {}) {
    server = await serve({ ...served('shipped'), replaced });
    const url = options.insecure ? server.url.replace('localhost', 'insecure.test') : server.url;
    return openPage(chromium.browser, url, { stored: false, ...options });
  }
  async function close({ context }) {
    await context.close();
    await server.close();
  }

  for (const [name, make] of notRun ? [] : Object.entries(BAD_MODELS)) {
    test(`${name}: the page says so`, async () => {
      const [replaced, key, ...values] = make();
      const opened = await open({}, replaced);
      await assertFails(opened.page, key, ...values);
      await close(opened);
    });
  }

  for (const name of notRun ? [] : ['no model at all', 'a changed model', 'no runtime']) {
    test(`${name}: the page works once it is put right`, async () => {
      const [replaced] = BAD_MODELS[name]();
      const opened = await open({}, replaced);
      await waitFor(opened.page, 'failed');
      for (const path of Object.keys(replaced)) delete server.replaced[path];
      await opened.page.click('.note.problem button');
      assert.equal(await waitFor(opened.page, 'ready', 'failed'), 'ready');
      assert.equal(await opened.page.$('.note.problem'), null);
      await close(opened);
    });
  }

  test('a photo that comes before the model is shown once the model is there', async () => {
    const opened = await open({}, { 'model/model.json': null });
    await waitFor(opened.page, 'failed');
    const photo = cases('shipped').find(({ name }) => name === 'odd').path;
    await (await opened.page.$('#file')).uploadFile(photo);
    await opened.page.waitForFunction(() => mobileseg.state === 'opening');
    await assertFails(opened.page, 'error_no_model');
    delete server.replaced['model/model.json'];
    await opened.page.click('.note.problem button');
    assert.equal(await waitFor(opened.page, 'shown'), 'shown');
    await close(opened);
  });

  test('a model that does not load: the page says what the runtime says', async () => {
    const opened = await open({}, garbage());
    assert.equal(await waitFor(opened.page, 'failed', 'ready'), 'failed');
    assert.match(await said(opened.page), /^The model does not load or answer: \S+/);
    await close(opened);
  });

  test('no WebAssembly', async () => {
    const opened = await open({
      before: () => {
        delete window.WebAssembly;
      },
    });
    await assertFails(opened.page, 'error_no_wasm');
    await close(opened);
  });

  test('an old browser', async () => {
    const opened = await open({
      before: () => {
        delete window.OffscreenCanvas;
      },
    });
    await assertFails(opened.page, 'error_old_browser');
    await close(opened);
  });

  test('an address that is not secure: the model cannot be checked, so it is not run', async () => {
    const opened = await open({ insecure: true });
    await assertFails(opened.page, 'error_no_sum');
    await close(opened);
  });

  test('bad photos: each is refused with its name, and the next good one is shown', async () => {
    const opened = await open();
    const { page } = opened;
    await waitFor(page, 'ready');
    for (const name of ['words.jpg', 'cut.png']) {
      await pick(page, inExpected('bad', name));
      await assertFails(page, 'error_photo_unreadable', name);
      assert.equal(await page.$('.note.problem button'), null, 'nothing to try again');
    }
    await pick(page, inExpected('bad', '52-megapixels.png'));
    await assertFails(page, 'error_photo_large', '52-megapixels.png', 53, 50);
    await pick(page, hugeFile());
    await assertFails(page, 'error_file_large', 'huge.jpg', 101, 100);
    const good = cases('shipped').find(({ name }) => name === 'odd');
    assert.equal(await pick(page, good.path), 'shown');
    assert.equal(await page.$('.note.problem'), null);
    assert.deepEqual(opened.outside, []);
    await close(opened);
  });

  function hugeFile() {
    const path = join(folder, 'huge.jpg');
    const file = openSync(path, 'w');
    ftruncateSync(file, 100_000_001); // a hole: takes no space
    closeSync(file);
    return path;
  }

  test('warnings stand beside the result, and go with it', async () => {
    const opened = await open();
    await waitFor(opened.page, 'ready');
    const shipped = (wanted) => cases('shipped').find(({ name }) => name === wanted);
    const named = (wanted) => shipped(wanted).path;
    const sentence = (flag) => english(`flag_${flag.replaceAll('-', '_')}`);
    const warnings = () =>
      opened.page.$$eval('.note.warning p', (notes) => notes.map((note) => note.textContent));
    await pick(opened.page, named('black'));
    assert.deepEqual(await warnings(), [english('flag_no_retina')]);
    await pick(opened.page, named('few-pixels'));
    const { flags } = shipped('few-pixels').golden;
    assert.ok(flags.includes('too-small'));
    assert.deepEqual(await warnings(), [flags.map(sentence).join(' ')]); // one note, in their order
    await pick(opened.page, named('odd'));
    assert.deepEqual(await warnings(), []);
    await close(opened);
  });

  test('of two photos in a row the later one stays', async () => {
    const opened = await open();
    await waitFor(opened.page, 'ready');
    const [first, second] = ['shrunk', 'black'].map((wanted) =>
      cases('shipped').find(({ name }) => name === wanted),
    );
    const field = await opened.page.$('#file');
    await field.uploadFile(first.path);
    await field.uploadFile(second.path);
    await opened.page.waitForFunction(() => mobileseg.state === 'shown');
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(
      await opened.page.evaluate(() => mobileseg.result.contentHw),
      second.golden.content_hw,
    );
    await close(opened);
  });
});
