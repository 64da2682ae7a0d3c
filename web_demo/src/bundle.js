// The model from the server: its manifest understood, its artifact the very file that it describes.

import { SCHEMA, TARGET } from './constants.js';
import { parseManifest } from './manifest.js';
import { Problem } from './problem.js';

const FOLDER = new URL('../model/', import.meta.url);

// Problem codes of a manifest -> our texts.
const TEXTS = {
  'not-json': () => new Problem('error_not_json'),
  'schema-newer': ({ found }) => new Problem('error_schema_newer', found, SCHEMA),
  schema: ({ found }) =>
    new Problem('error_schema', found === undefined ? '–' : JSON.stringify(found), SCHEMA),
  target: ({ found }) =>
    new Problem('error_target', typeof found === 'string' ? found : '–', TARGET),
  entry: ({ entry }) => new Problem('error_entry', entry),
};

// {manifest, artifact: bytes}
export async function fetchBundle() {
  const text = new TextDecoder().decode(await fetchFile('model.json'));
  const { manifest, problem } = parseManifest(text, TARGET);
  if (problem) throw TEXTS[problem.code](problem);
  if (!globalThis.crypto?.subtle) throw new Problem('error_no_sum'); // browsers keep it from plain http
  const artifact = await fetchFile(manifest.artifact);
  const right = artifact.length === manifest.bytes && (await sha256(artifact)) === manifest.sha256;
  if (!right) throw new Problem('error_sum', manifest.artifact);
  return { manifest, artifact };
}

async function fetchFile(name) {
  let response;
  try {
    response = await fetch(new URL(name, FOLDER), { cache: 'no-cache' });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new Problem('error_network', name);
  }
  throw response.status === 404
    ? new Problem('error_no_model')
    : new Problem('error_network', name);
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
