// Chromium for the tests: where it is, how it starts, and a page that minds every slip.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Nothing asked of the network, no GPU, and one colour profile on every machine.
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--force-color-profile=srgb',
  '--host-resolver-rules=MAP insecure.test 127.0.0.1', // a name that is not ours: no secure context
];

export function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const { status, stdout } = spawnSync('which', [name], { encoding: 'utf8' });
    if (status === 0) return stdout.trim();
  }
  return null;
}

export async function launch() {
  const { default: puppeteer } = await import('puppeteer-core');
  const profile = mkdtempSync(join(tmpdir(), 'mobileseg-chromium-'));
  const browser = await puppeteer.launch({
    executablePath: findChromium(),
    userDataDir: profile,
    args: FLAGS,
  });
  const close = async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { browser, close };
}

// A page in a fresh profile, and what it said and asked for: `errors` of the console and of code
// that no one caught, `outside` addresses of another origin.
// With `stored` false no service worker is made, which costs a second and some tests do without.
export async function openPage(
  browser,
  url,
  { viewport, media = [], before, path = '', stored = true } = {},
) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const [errors, outside] = [[], []];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  watchRequests(context, page, url, outside);
  await page.setViewport(viewport ?? { width: 1100, height: 820 });
  await page.emulateMediaFeatures(media);
  if (before) await page.evaluateOnNewDocument(before);
  if (!stored) await page.evaluateOnNewDocument(noServiceWorker);
  await page.goto(url + path);
  return { context, page, errors, outside };
}

function noServiceWorker() {
  Object.defineProperty(navigator, 'serviceWorker', { value: undefined });
}

// The page's own requests and its workers'.
function watchRequests(context, page, url, outside) {
  const origin = new URL(url).origin;
  const note = (address) => {
    if (!address.startsWith(origin) && !/^(blob|data|about):/.test(address)) outside.push(address);
  };
  page.on('request', (request) => note(request.url()));
  context.on('targetcreated', async (target) => {
    const session = await target.createCDPSession().catch(() => null);
    session?.on('Network.requestWillBeSent', ({ request }) => note(request.url));
    await session?.send('Network.enable').catch(() => null);
  });
}

// Waits until the page stands in one of these states, and says in which.
export async function waitFor(page, ...states) {
  const handle = await page.waitForFunction(
    (wanted) => wanted.includes(window.mobileseg?.state) && window.mobileseg.state,
    { timeout: 30000 },
    states,
  );
  return handle.jsonValue();
}

export async function pick(page, path) {
  const field = await page.$('#file');
  await field.uploadFile(path);
  return waitFor(page, 'shown', 'failed');
}
