// After the first visit the page works without its server, and never mixes two versions.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { launch, openPage, pick, waitFor } from '../chromium.mjs';
import { cases, inExpected, manifestOf, notRun, served } from '../expected.mjs';
import { serve } from '../server.mjs';

const renamed = (variant) => Buffer.from(JSON.stringify({ ...manifestOf('shipped'), variant }));
const odd = () => cases('shipped').find(({ name }) => name === 'odd').path;

// The model that a worker opened by this page gets to see.
const workersVariant = (page) =>
  page.evaluate(async () => {
    const worker = new Worker('src/worker.js', { type: 'module' });
    worker.postMessage({ id: 0, task: 'open' });
    const { data } = await new Promise((resolve) => {
      worker.onmessage = resolve;
    });
    worker.terminate();
    return data.value.variant;
  });

async function variant(page) {
  assert.equal(await waitFor(page, 'ready', 'failed'), 'ready');
  return page.evaluate(() => mobileseg.manifest.variant);
}

// A busy machine may miss the moment that a visit waits for news; then the next visit has it.
async function visitUntil(page, wanted) {
  for (let visits = 0; visits < 3 && (await variant(page)) !== wanted; visits++)
    await page.reload();
  assert.equal(await variant(page), wanted);
}

describe('offline', { skip: notRun }, () => {
  let [chromium, server, opened, page] = [];
  before(async () => {
    chromium = await launch();
  });
  after(() => chromium.close());

  async function visit() {
    server = await serve(served('shipped'));
    opened = await openPage(chromium.browser, server.url);
    page = opened.page;
    await page.waitForSelector('#offline-row:not([hidden])');
  }
  async function leave() {
    await opened.context.close();
    await server.close();
  }

  test('with its server gone it opens, in both languages, and finds the same', async () => {
    await visit();
    assert.equal(await pick(page, odd()), 'shown');
    const online = await page.evaluate(() => mobileseg.result.findings);
    await server.close();
    await page.goto(`${server.url}?lang=de`);
    await waitFor(page, 'ready');
    assert.equal(await page.title(), 'Netzhautläsionen');
    assert.equal(await pick(page, odd()), 'shown');
    assert.deepEqual(await page.evaluate(() => mobileseg.result.findings), online);
    await page.click('#sample-list button');
    assert.equal(await waitFor(page, 'shown', 'failed'), 'shown');
    assert.deepEqual(opened.errors, []);
    await leave();
  });

  test('a changed server shows at the next visit, and what is old is forgotten', async () => {
    await visit();
    server.replaced['model/model.json'] = renamed('renamed');
    await page.reload();
    await visitUntil(page, 'renamed');
    await page.reload(); // the first page, which had the old one, is gone by now
    // Left are the state, and one snapshot.
    await page.waitForFunction(async () => (await caches.keys()).length === 2, { polling: 200 });
    await leave();
  });

  test('a server between two versions is not believed', async () => {
    await visit();
    const own = await variant(page);
    server.replaced['model/model.json'] = Buffer.from(
      JSON.stringify({ ...manifestOf('four'), variant: 'next' }),
    );
    await page.reload();
    assert.equal(await variant(page), own);
    server.replaced['model/model.onnx'] = readFileSync(inExpected('four', 'model', 'model.onnx'));
    await page.reload();
    await visitUntil(page, 'next');
    await leave();
  });

  test('a slow server keeps nobody waiting: the news comes later, with a button', async () => {
    await visit();
    const own = await variant(page);
    server.replaced['model/model.json'] = renamed('renamed');
    server.slowMs['model/model.json'] = 2000;
    await page.reload();
    assert.equal(await variant(page), own);
    await page.waitForSelector('.note.news button');
    server.slowMs = {};
    await Promise.all([page.waitForNavigation(), page.click('.note.news button')]);
    await visitUntil(page, 'renamed');
    await leave();
  });

  test('an open page and its workers stay with the version that they began with', async () => {
    await visit();
    await page.reload(); // now under the service worker
    const own = await variant(page);
    server.replaced['model/model.json'] = renamed('renamed');
    const second = await opened.context.newPage();
    await second.goto(server.url);
    await visitUntil(second, 'renamed');
    assert.equal(await workersVariant(second), 'renamed');
    assert.equal(await workersVariant(page), own);
    await leave();
  });

  test('browsers offer to install it', async () => {
    await visit();
    const session = await page.createCDPSession();
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    // A private window, which a test's page is, installs nothing; all else is the page's doing.
    const left = installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito');
    assert.deepEqual(left, []);
    const { errors, data } = await session.send('Page.getAppManifest');
    assert.deepEqual(errors, []);
    assert.equal(JSON.parse(data).display, 'standalone');
    await leave();
  });
});
