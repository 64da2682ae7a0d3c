// Serves the page as a plain static host does, with a model and samples from elsewhere, and lets a
// test change what is served.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const WEB = join(import.meta.dirname, '..');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.onnx': 'application/octet-stream',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

// `folders`: first part of a path -> where it lies; `replaced`: path -> bytes, or null for 404. Both
// this and `slowMs`, path -> how long its answer takes, a test may change while the server runs.
export async function serve({ folders = {}, replaced = {} } = {}) {
  const site = { replaced, slowMs: {} };
  const server = createServer((request, response) => {
    const path =
      decodeURIComponent(new URL(request.url, 'http://x').pathname).slice(1) || 'index.html';
    setTimeout(
      () => answer(request, response, path, content(path, folders, replaced)),
      site.slowMs[path] ?? 0,
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref(); // a test that fails before it closes its server must not hang the rest
  site.url = `http://localhost:${server.address().port}/`;
  site.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return site;
}

function content(path, folders, replaced) {
  if (Object.hasOwn(replaced, path)) return replaced[path];
  const [first, ...rest] = normalize(path).split('/');
  const file = Object.hasOwn(folders, first) ? join(folders[first], ...rest) : join(WEB, path);
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}

function answer(request, response, path, body) {
  if (body === null) {
    response.writeHead(404).end();
    return;
  }
  const etag = `"${createHash('sha256').update(body).digest('hex')}"`;
  const headers = {
    'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
    ETag: etag,
    'Cache-Control': 'no-cache',
  };
  if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end();
  else response.writeHead(200, headers).end(body);
}
