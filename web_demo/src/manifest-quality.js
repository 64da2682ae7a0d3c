// `quality` of model.json: the values behind a picture's quality, their limits and their flags.

import { FLAGS_BY_VALUES } from './constants.js';
import { isAll, isNew, isNullOr, take } from './entries.js';
import { isList, isName, isNumber, isObject, isOneOf, isText } from './kinds.js';

const MOST_VALUES = 32;
const LARGEST_LIMIT = 1e6;

// {usable, values}; null: the model says nothing of quality.
export function readQuality(top) {
  const quality = take(top, '', 'quality', isNullOr(isObject));
  if (quality === null) return null;
  const usable = take(quality, 'quality', 'usable', isNumber(0, 1));
  const rows = take(quality, 'quality', 'values', isList(0, MOST_VALUES));
  const seen = [];
  const values = rows.map((_, i) => {
    const row = take(rows, 'quality.values', i, isObject);
    const value = readValue(row, `quality.values[${i}]`, seen);
    seen.push(value.name);
    return value;
  });
  return { usable, values };
}

function readValue(row, path, seen) {
  const isLimit = isNullOr(isNumber(-LARGEST_LIMIT, LARGEST_LIMIT));
  const name = take(row, path, 'name', isAll(isName, isNew(seen)));
  const meaning = take(row, path, 'meaning', isText);
  const least = take(row, path, 'least', isLimit);
  const isAbove = (value) => value === null || least === null || value > least;
  const most = take(row, path, 'most', isAll(isLimit, isAbove));
  return {
    name,
    meaning,
    least,
    most,
    flag_below: take(row, path, 'flag_below', isFlagOf(least)),
    flag_above: take(row, path, 'flag_above', isFlagOf(most)),
  };
}

// A flag exactly where its limit is.
const isFlagOf = (limit) => (limit === null ? isOneOf(null) : isOneOf(...FLAGS_BY_VALUES));
