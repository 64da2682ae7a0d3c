// What a JSON value is, strictly: true is no number, "0.5" is no number, a list is no object.

export const isObject = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isText = (value) => typeof value === 'string';
export const isName = (value) => isText(value) && value !== '';
export const isWhole = (low, high) => (value) =>
  Number.isInteger(value) && value >= low && value <= high;
export const isNumber = (low, high) => (value) =>
  typeof value === 'number' && value >= low && value <= high;
export const isList =
  (low, high, of = () => true) =>
  (value) =>
    Array.isArray(value) && value.length >= low && value.length <= high && value.every(of);
export const isOneOf =
  (...choices) =>
  (value) =>
    choices.includes(value);
export const isSame = (expected) => (value) =>
  Array.isArray(value) &&
  value.length === expected.length &&
  value.every((v, i) => v === expected[i]);
