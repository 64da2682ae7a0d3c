// Entries of model.json by their paths: each is there and fits, or is the problem.

import { isNumber, isText } from './kinds.js';

export class Wrong extends Error {
  constructor(code, entry, found) {
    super(`${code} ${entry}`);
    this.problem = { code, entry, found };
  }
}

// The value of an entry that has to be there and to fit; or the problem, by the entry's path.
export function take(object, path, key, fits) {
  const entry = typeof key === 'number' ? `${path}[${key}]` : path ? `${path}.${key}` : key;
  if (!Object.hasOwn(object, key) || !fits(object[key])) throw new Wrong('entry', entry);
  return object[key];
}

export const takeIfThere = (object, path, key, fits) =>
  Object.hasOwn(object, key) && take(object, path, key, fits);

export const isNullOr = (fits) => (value) => value === null || fits(value);
export const isNew = (seen) => (value) => !seen.includes(value);
export const isAll =
  (...kinds) =>
  (value) =>
    kinds.every((fits) => fits(value));
export const isLike = (pattern) => (value) => isText(value) && pattern.test(value);
export const isNumberAbove = (low, high) => isAll(isNumber(low, high), (value) => value > low);
