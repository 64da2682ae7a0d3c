// From the quality that the model reports of a picture to what a visitor is told before any figure.
// Held to tests/goldens/quality.

import { FATAL_FLAGS, FLAGS } from './constants.js';

// `output`: each lesion's quality, then the values of `spec`; `raised`: flags that stand already.
// What is no number counts as bad: no picture is usable because a comparison failed. Without a
// retina the values speak of nothing and raise none.
export function judgeQuality(output, codes, spec, raised = []) {
  const shares = Array.from(output.slice(0, codes.length), share);
  const values = Array.from(output.slice(codes.length));
  if (values.length !== spec.values.length || shares.length !== codes.length)
    throw new RangeError(`${output.length} numbers of quality`);
  const found = new Set(raised);
  if (!found.has('no-retina'))
    spec.values.flatMap((row, i) => flagsOf(row, values[i])).forEach((flag) => found.add(flag));
  const flags = FLAGS.filter((flag) => found.has(flag));
  const shown = Math.min(...shares);
  return {
    lesions: Object.fromEntries(codes.map((code, i) => [code, shares[i]])),
    values: Object.fromEntries(spec.values.map(({ name }, i) => [name, values[i]])),
    shown,
    percent: Math.floor(shown * 100 + 0.5),
    usable: shown >= Math.fround(spec.usable) && !flags.some((flag) => FATAL_FLAGS.includes(flag)),
    flags,
  };
}

// Keys of the texts, in the order in which they are said.
export const sentences = ({ flags, usable = true }) =>
  (flags.length || usable ? flags : ['poor']).map((flag) => `flag_${flag.replaceAll('-', '_')}`);

const share = (value) => (value >= 0 ? Math.min(value, 1) : 0);

function flagsOf({ least, most, flag_below: below, flag_above: above }, value) {
  const raised = [];
  if (least !== null && !(value >= Math.fround(least))) raised.push(below);
  if (most !== null && !(value <= Math.fround(most))) raised.push(above);
  return raised;
}
