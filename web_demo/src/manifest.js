// model.json as an app reads it: the same manifest, or the same first problem, in every language.
// Held to tests/goldens/manifests; the order of the checks is part of the rule.

import { LESIONS, SCHEMA } from './constants.js';
import { isList, isName, isNumber, isObject, isOneOf, isSame, isText, isWhole } from './kinds.js';

const LARGEST_PX = 4096; // of a frame or a network's side: whole-number sums are exact up to there
const LARGEST_BYTES = 2 ** 40; // of an artifact

// What each target's apps load, and the shape they hand over. A package is a folder: no one sum.
const TARGETS = {
  executorch: { artifact: 'model.pte', shape: ([h, w]) => [1, h, w, 3], listed: true },
  onnx: { artifact: 'model.onnx', shape: ([h, w]) => [1, h, w, 3], listed: true },
  coreml: { artifact: 'model.mlpackage', shape: ([h, w]) => [1, 3, h, w], listed: false },
};

class Wrong extends Error {
  constructor(code, entry, found) {
    super(`${code} ${entry}`);
    this.problem = { code, entry, found };
  }
}

// The value of an entry that has to be there and to fit; or the problem, by the entry's path.
function take(object, path, key, fits) {
  const entry = typeof key === 'number' ? `${path}[${key}]` : path ? `${path}.${key}` : key;
  if (!Object.hasOwn(object, key) || !fits(object[key])) throw new Wrong('entry', entry);
  return object[key];
}

const takeIfThere = (object, path, key, fits) =>
  Object.hasOwn(object, key) && take(object, path, key, fits);

// {manifest} with what the app needs to know, or {problem: {code, entry, found}}.
export function parseManifest(text, app) {
  try {
    return { manifest: read(text, app) };
  } catch (error) {
    if (error instanceof Wrong) return { problem: error.problem };
    throw error;
  }
}

function read(text, app) {
  const top = root(text);
  checkSchema(top.schema);
  if (top.target !== app) throw new Wrong('target', 'target', top.target);
  const [mobileseg, precision, variant, task] = ['mobileseg', 'precision', 'variant', 'task'].map(
    (key) => take(top, '', key, isName),
  );
  const artifact = take(top, '', 'artifact', isOneOf(TARGETS[app].artifact));
  takeIfThere(top, '', 'graph', isOneOf('whole'));
  takeIfThere(top, '', 'answer', isOneOf('probabilities'));
  const frameHw = readFrame(top);
  const lesions = readLesions(top);
  const inputName = readInput(top, TARGETS[app].shape(frameHw));
  const side = readOutputs(top, lesions.length);
  const exporter = take(top, '', 'exporter', isObject);
  for (const key of Object.keys(exporter)) take(exporter, 'exporter', key, isText);
  const listed = readListed(top, artifact, TARGETS[app].listed);
  const name = modelName(top, variant);
  return {
    target: app,
    mobileseg,
    precision,
    variant,
    task,
    artifact,
    name,
    frameHw,
    side,
    lesions,
    inputName,
    exporter,
    ...listed,
  };
}

function root(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Wrong('not-json', '');
  }
  if (!isObject(value)) throw new Wrong('not-json', '');
  return value;
}

function checkSchema(found) {
  if (found === SCHEMA) return;
  const newer = Number.isInteger(found) && found > SCHEMA;
  throw new Wrong(newer ? 'schema-newer' : 'schema', 'schema', found);
}

function readFrame(top) {
  const frames = take(top, '', 'frames', isList(1, Infinity));
  frames.forEach((_, i) => take(frames, 'frames', i, isList(2, 2, isWhole(32, LARGEST_PX))));
  return frames[0];
}

function readLesions(top) {
  const lesions = take(top, '', 'lesions', isList(1, LESIONS.length));
  const seen = [];
  return lesions.map((_, i) => {
    const path = `lesions[${i}]`;
    const lesion = take(lesions, 'lesions', i, isObject);
    const code = take(
      lesion,
      path,
      'code',
      (value) => LESIONS.includes(value) && !seen.includes(value),
    );
    seen.push(code);
    const name = take(lesion, path, 'name', isName);
    const threshold = take(lesion, path, 'threshold', isNumber(0, 1));
    const colour = take(lesion, path, 'colour', isList(3, 3, isWhole(0, 255)));
    return { code, name, threshold, colour };
  });
}

function readInput(top, shape) {
  const input = take(top, '', 'input', isObject);
  const name = take(input, 'input', 'name', isName);
  take(input, 'input', 'shape', isSame(shape));
  take(input, 'input', 'dtype', isOneOf('uint8'));
  take(input, 'input', 'order', isOneOf('RGB'));
  return name;
}

function readOutputs(top, lesions) {
  const isMaps = (shape) =>
    isList(4, 4, isWhole(1, LARGEST_PX))(shape) &&
    isSame([1, lesions, shape[2], shape[2]])(shape) &&
    shape[2] % 32 === 0;
  const shapes = [
    ['probabilities', isMaps],
    ['crop', isSame([1, 4])],
    ['retina', isSame([1, 1])],
  ];
  const outputs = take(top, '', 'outputs', isList(3, 3));
  shapes.forEach(([name, fits], i) => {
    const output = take(outputs, 'outputs', i, isObject);
    take(output, `outputs[${i}]`, 'name', isOneOf(name));
    take(output, `outputs[${i}]`, 'shape', fits);
    take(output, `outputs[${i}]`, 'dtype', isOneOf('float32'));
  });
  return outputs[0].shape[2];
}

// Sum and size that the artifact has to have.
function readListed(top, artifact, listed) {
  const files = take(top, '', 'files', isObject);
  if (!listed) return { sha256: null, bytes: null };
  const file = take(files, 'files', artifact, isObject);
  const path = `files.${artifact}`;
  const sha256 = take(
    file,
    path,
    'sha256',
    (value) => isText(value) && /^[0-9a-f]{64}$/.test(value),
  );
  return { sha256, bytes: take(file, path, 'bytes', isWhole(1, LARGEST_BYTES)) };
}

// The first member's name, for people; a manifest need not name its members.
function modelName(top, variant) {
  const first = Array.isArray(top.members) ? top.members[0] : undefined;
  return isObject(first) && isName(first.name) ? first.name : variant;
}
