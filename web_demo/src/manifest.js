// model.json as an app reads it: the same manifest, or the same first problem, in every language.
// Held to tests/goldens/manifests; the order of the checks is part of the rule.

import { LESIONS, OLDEST_SCHEMA, SCHEMA } from './constants.js';
import {
  Wrong,
  isAll,
  isLike,
  isNew,
  isNullOr,
  isNumberAbove,
  take,
  takeIfThere,
} from './entries.js';
import { isList, isName, isNumber, isObject, isOneOf, isSame, isText, isWhole } from './kinds.js';
import { readQuality } from './manifest-quality.js';

const LARGEST_PX = 4096; // of a frame or a network's side: whole-number sums are exact up to there
const LARGEST_BYTES = 2 ** 40; // of an artifact
const MOST_LESIONS = 16;
const CODE = /^[A-Z][A-Z0-9]{0,7}$/;
const LARGEST_CONSTANT = 100; // of a calibration
// A text, or what some writers put for a number that is none.
const NO_NUMBER = /"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)/g;

// What each target's apps load, and the shape they hand over. A package is a folder: no one sum.
const TARGETS = {
  executorch: { artifact: 'model.pte', shape: ([h, w]) => [1, h, w, 3], listed: true },
  onnx: { artifact: 'model.onnx', shape: ([h, w]) => [1, h, w, 3], listed: true },
  coreml: { artifact: 'model.mlpackage', shape: ([h, w]) => [1, 3, h, w], listed: false },
};

// {manifest} with what the app needs to know, or {problem: {code, entry, found}}.
export function parseManifest(text, app) {
  try {
    return { manifest: read(text, app) };
  } catch (error) {
    if (error instanceof Wrong) return { problem: error.problem };
    throw error;
  }
}

// Of a text that is JSON but for a bare NaN or Infinity, the entry is named that it stands in.
function read(text, app) {
  const value = parsed(text);
  if (value !== undefined) return readObject(value, app);
  const quoted = text.replace(NO_NUMBER, (found) => (found[0] === '"' ? found : `"${found}"`));
  readObject(parsed(quoted), app);
  throw new Wrong('not-json', ''); // it stands where a text may be, or where nobody looks
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which no JSON is
  }
}

function readObject(top, app) {
  if (!isObject(top)) throw new Wrong('not-json', '');
  const newest = checkSchema(top.schema);
  if (top.target !== app) throw new Wrong('target', 'target', top.target);
  const [mobileseg, precision, variant, task] = ['mobileseg', 'precision', 'variant', 'task'].map(
    (key) => take(top, '', key, isName),
  );
  const artifact = take(top, '', 'artifact', isOneOf(TARGETS[app].artifact));
  takeIfThere(top, '', 'graph', isOneOf('whole'));
  takeIfThere(top, '', newest ? 'head' : 'answer', isOneOf('probabilities'));
  const frameHw = readFrame(top);
  const lesions = readLesions(top, newest);
  const inputName = readInput(top, TARGETS[app].shape(frameHw));
  const quality = newest ? readQuality(top) : null;
  const side = readOutputs(top, lesions.length, quality);
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
    quality,
    inputName,
    exporter,
    ...listed,
  };
}

// Whether it is the newest.
function checkSchema(found) {
  if (found === SCHEMA || found === OLDEST_SCHEMA) return found === SCHEMA;
  const newer = Number.isInteger(found) && found > SCHEMA;
  throw new Wrong(newer ? 'schema-newer' : 'schema', 'schema', found);
}

function readFrame(top) {
  const frames = take(top, '', 'frames', isList(1, Infinity));
  frames.forEach((_, i) => take(frames, 'frames', i, isList(2, 2, isWhole(32, LARGEST_PX))));
  return frames[0];
}

function readLesions(top, newest) {
  const lesions = take(top, '', 'lesions', isList(1, newest ? MOST_LESIONS : LESIONS.length));
  const isCode = newest ? isLike(CODE) : isOneOf(...LESIONS);
  const seen = [];
  return lesions.map((_, i) => {
    const path = `lesions[${i}]`;
    const lesion = take(lesions, 'lesions', i, isObject);
    const code = take(lesion, path, 'code', isAll(isCode, isNew(seen)));
    seen.push(code);
    const names = newest ? readNames(lesion, path) : { en: take(lesion, path, 'name', isName) };
    const threshold = take(lesion, path, 'threshold', isNumber(0, 1));
    const colour = take(lesion, path, 'colour', isList(3, 3, isWhole(0, 255)));
    const calibration = newest ? readCalibration(lesion, path) : null;
    return { code, names, threshold, colour, calibration };
  });
}

// By language; English is always there.
function readNames(lesion, path) {
  const names = take(lesion, path, 'names', isObject);
  for (const language of ['en', ...Object.keys(names)])
    take(names, `${path}.names`, language, isName);
  return names;
}

function readCalibration(lesion, path) {
  const constants = take(lesion, path, 'calibration', isNullOr(isObject));
  if (constants === null) return null;
  const at = `${path}.calibration`;
  const a = take(constants, at, 'a', isNumberAbove(0, LARGEST_CONSTANT));
  return { a, b: take(constants, at, 'b', isNumber(-LARGEST_CONSTANT, LARGEST_CONSTANT)) };
}

function readInput(top, shape) {
  const input = take(top, '', 'input', isObject);
  const name = take(input, 'input', 'name', isName);
  take(input, 'input', 'shape', isSame(shape));
  take(input, 'input', 'dtype', isOneOf('uint8'));
  take(input, 'input', 'order', isOneOf('RGB'));
  return name;
}

function readOutputs(top, lesions, quality) {
  const isMaps = (shape) =>
    isList(4, 4, isWhole(1, LARGEST_PX))(shape) &&
    isSame([1, lesions, shape[2], shape[2]])(shape) &&
    shape[2] % 32 === 0;
  const shapes = [
    ['probabilities', isMaps],
    ['crop', isSame([1, 4])],
    ['retina', isSame([1, 1])],
  ];
  if (quality) shapes.push(['quality', isSame([1, lesions + quality.values.length])]);
  const outputs = take(top, '', 'outputs', isList(shapes.length, shapes.length));
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
