// Offline after the first visit. What the server gives is stored as whole snapshots, each named
// after the sum of its contents; a page and its workers live in the one they began with, so that a
// model never meets the manifest, or the code, of another version.

const SHELL = [
  'index.html',
  'app.css',
  'manifest.webmanifest',
  'icons/icon.svg',
  'icons/icon-192.png',
  'icons/icon-512.png',
  'src/app.js',
  'src/bundle.js',
  'src/constants.js',
  'src/decode.js',
  'src/engine.js',
  'src/entries.js',
  'src/findings.js',
  'src/fit.js',
  'src/header.js',
  'src/intake.js',
  'src/kinds.js',
  'src/manifest-quality.js',
  'src/manifest.js',
  'src/notes.js',
  'src/offline.js',
  'src/overlay.js',
  'src/panel.js',
  'src/problem.js',
  'src/quality.js',
  'src/samples.js',
  'src/session.js',
  'src/texts-table.js',
  'src/texts.js',
  'src/view.js',
  'src/worker.js',
  'src/zoom.js',
  'vendor/ort-wasm-simd-threaded.wasm',
  'vendor/ort.wasm.bundle.min.mjs',
];
const MANIFEST = 'model/model.json';
const ARTIFACT = 'model/model.onnx';
const SAMPLES = 'samples/index.json';

const PREFIX = `mobileseg ${new URL('./', location).pathname} `; // other pages share the origin's caches
const STATE = `${PREFIX}state`; // which snapshot is current, and which one each open page has
const NEAR_MS = 1000; // how long a visit waits for the server's word that nothing is new

self.addEventListener('install', (event) => {
  event.waitUntil(refresh().then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(takeOver());
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  const ours = url.href.startsWith(new URL('./', location).href);
  if (event.request.method === 'GET' && ours) event.respondWith(answer(event, url));
});

// The page of the first visit came from the server; from now on it has what was stored beside it.
async function takeOver() {
  const current = await read('current');
  for (const { id } of await self.clients.matchAll({ includeUncontrolled: true }))
    await pin(id, current);
  await self.clients.claim();
}

async function answer(event, url) {
  const visit = event.request.mode === 'navigate';
  const snapshot = visit ? await latest(event) : await pinned(event.clientId);
  if (event.resultingClientId) event.waitUntil(pin(event.resultingClientId, snapshot));
  const path = url.pathname.endsWith('/') ? new URL('index.html', url) : url;
  const stored =
    snapshot && (await (await caches.open(snapshot)).match(path, { ignoreSearch: true }));
  return stored || fetch(event.request);
}

// For a visit: what the server has now if it says so soon, else what is stored. What comes later
// is for the next visit.
async function latest(event) {
  const before = await read('current');
  const fresh = refresh().catch(() => null); // offline, or the server is between two versions
  const late = new Promise((resolve) => setTimeout(resolve, NEAR_MS, before));
  event.waitUntil(
    fresh.then((name) => clean(event.resultingClientId).then(() => name && tell(name))),
  );
  return (await Promise.race([fresh, late])) ?? before;
}

// Stores what the server has, whole, and makes it current; gives the snapshot's name.
async function refresh() {
  const shell = await Promise.all(SHELL.map(fetchWhole));
  const model = await Promise.all([MANIFEST, ARTIFACT].map(fetchIfThere));
  const files = [...shell, ...model, ...(await fetchSamples())].filter(Boolean);
  refuseMixed(...model);
  const name =
    PREFIX +
    (await sum(
      new TextEncoder().encode(files.map(({ path, sha256 }) => `${path} ${sha256}`).join('\n')),
    ));
  if ((await read('current')) !== name) {
    const snapshot = await caches.open(name);
    await Promise.all(files.map(({ path, response }) => snapshot.put(path, response)));
    await write('current', name); // last: a snapshot that was cut short is never current
  }
  return name;
}

async function fetchWhole(path) {
  const response = await fetch(path, { cache: 'no-cache' });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  const body = await response.arrayBuffer();
  // Rebuilt, because one that was redirected may not answer a visit.
  return {
    path,
    body,
    sha256: await sum(body),
    response: new Response(body, { headers: response.headers }),
  };
}

const fetchIfThere = (path) => fetchWhole(path).catch(() => null);

async function fetchSamples() {
  const index = await fetchIfThere(SAMPLES);
  if (!index) return [];
  const { samples } = JSON.parse(new TextDecoder().decode(index.body));
  return [
    index,
    ...(await Promise.all(samples.map(({ file }) => fetchIfThere(`samples/${file}`)))),
  ];
}

// Between copying the one and the other, a server has two versions.
function refuseMixed(manifest, artifact) {
  if (!manifest || !artifact) return; // the page says what is missing
  const { files } = JSON.parse(new TextDecoder().decode(manifest.body));
  const expected = files?.[ARTIFACT.split('/').at(-1)]?.sha256;
  if (expected !== artifact.sha256)
    throw new Error(`${ARTIFACT} is not the one that ${MANIFEST} describes`);
}

async function sum(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// A worker's requests come under its own name: it was pinned when its first file was asked for.
const pinned = async (client) => (await read(`pin/${client}`)) ?? read('current');
const pin = (client, snapshot) => snapshot && write(`pin/${client}`, snapshot);

async function read(key) {
  const stored = await (await caches.open(STATE)).match(key);
  return stored?.text();
}

async function write(key, value) {
  await (await caches.open(STATE)).put(key, new Response(value));
}

// Forgets the pages that are gone, and the snapshots that no page has; `coming` is not there yet.
async function clean(coming) {
  const state = await caches.open(STATE);
  const kept = new Set([STATE, await read('current')]);
  for (const request of await state.keys()) {
    const [, client] = new URL(request.url).pathname.split('/pin/');
    if (!client) continue;
    if (client === coming || (await self.clients.get(client)))
      kept.add(await read(`pin/${client}`));
    else await state.delete(request);
  }
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && !kept.has(name)) await caches.delete(name);
  }
}

// Pages that have another snapshot may want to be loaded again.
async function tell(current) {
  for (const client of await self.clients.matchAll({ type: 'window' })) {
    const own = await read(`pin/${client.id}`);
    if (own && own !== current) client.postMessage('news');
  }
}
