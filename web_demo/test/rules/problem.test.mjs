import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Problem, asProblem } from '../../src/problem.js';

const other = (said) => new Problem('error_model', said);

test('what a toolkit throws is one line, or a lack of memory, or already ours', () => {
  assert.deepEqual(asProblem(new Error('first\nsecond'), other).values, ['first']);
  assert.deepEqual(asProblem(42, other).values, ['42']);
  for (const error of [
    new RangeError('Array buffer allocation failed'),
    new Error('std::bad_alloc'),
    new Error('Out of memory'),
  ]) {
    assert.equal(asProblem(error, other).key, 'error_memory');
  }
  const ours = new Problem('error_sum', 'model.onnx');
  assert.equal(asProblem(ours, other), ours);
});
