// Proof that the rules' tests can fail: each fault, planted in a copy of the sources, is caught.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const WEB = join(import.meta.dirname, '..');
const GOLDENS = process.env.GOLDENS ?? join(WEB, '..', 'tests', 'goldens');

const FAULTS = [
  {
    fault: 'rounds down, not half up',
    file: 'fit.js',
    from: '(2 * this.sums[x] + area)',
    to: '(2 * this.sums[x])',
    test: 'fit',
  },
  {
    fault: 'enlarges',
    file: 'fit.js',
    from: 'if (h <= frameH && w <= frameW) return [h, w];',
    to: '',
    test: 'fit',
  },
  {
    fault: 'sums in 32 bits',
    file: 'fit.js',
    from: 'this.sums = new Float64Array',
    to: 'this.sums = new Int32Array',
    test: 'fit',
  },
  {
    fault: 'compares in 64 bits',
    file: 'findings.js',
    from: 'Math.fround(limit)',
    to: 'limit',
    test: 'overlay',
  },
  {
    fault: 'leaves the threshold itself out',
    file: 'findings.js',
    from: '>= least',
    to: '> least',
    test: 'overlay',
  },
  {
    fault: 'counts 4-connected',
    file: 'findings.js',
    from: 'if (open[next]) {',
    to: 'if (open[next] && (y === row || x === column)) {',
    test: 'overlay',
  },
  {
    fault: 'measures the frame, not the retina',
    file: 'findings.js',
    from: '(retina * (side * side))',
    to: '(side * side)',
    test: 'overlay',
  },
  {
    fault: 'blends without rounding',
    file: 'overlay.js',
    from: '* opacity + 127)',
    to: '* opacity)',
    test: 'overlay',
  },
  {
    fault: 'rounds to the nearest mask pixel',
    file: 'overlay.js',
    from: 'Math.floor(((at - start)',
    to: 'Math.round(((at - start)',
    test: 'overlay',
  },
  {
    fault: 'swaps left and top',
    file: 'overlay.js',
    from: 'maskPlaces(height, crop[1]',
    to: 'maskPlaces(height, crop[0]',
    test: 'overlay',
  },
  {
    fault: 'takes true for a number',
    file: 'kinds.js',
    from: "typeof value === 'number' && value >= low",
    to: 'value >= low',
    test: 'manifest',
  },
  {
    fault: 'takes a lesion twice',
    file: 'manifest.js',
    from: ', isNew(seen)',
    to: '',
    test: 'manifest',
  },
  {
    fault: 'takes a limit without its flag',
    file: 'manifest-quality.js',
    from: 'limit === null ? isOneOf(null) : ',
    to: '',
    test: 'manifest',
  },
  {
    fault: 'does not name the entry of a NaN',
    file: 'manifest.js',
    from: '  readObject(parsed(quoted), app);',
    to: '',
    test: 'manifest',
  },
  {
    fault: 'lets no number pass a limit',
    file: 'quality.js',
    from: '!(value >= Math.fround(least))',
    to: 'value < Math.fround(least)',
    test: 'quality',
  },
  {
    fault: 'compares a limit in 64 bits',
    file: 'quality.js',
    from: 'Math.fround(most)',
    to: 'most',
    test: 'quality',
  },
  {
    fault: 'takes the best lesion for the picture',
    file: 'quality.js',
    from: 'Math.min(...shares)',
    to: 'Math.max(...shares)',
    test: 'quality',
  },
  {
    fault: 'calls what is no fundus usable',
    file: 'quality.js',
    from: ' && !flags.some((flag) => FATAL_FLAGS.includes(flag))',
    to: '',
    test: 'quality',
  },
];

let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'mobileseg-faults-'));
  for (const part of ['src', 'test', 'package.json', 'index.html', 'sw.js']) {
    cpSync(join(WEB, part), join(folder, part), { recursive: true });
  }
});
after(() => rmSync(folder, { recursive: true, force: true }));

function run(name) {
  const environment = { ...process.env, GOLDENS };
  delete environment.NODE_TEST_CONTEXT; // else a test's own tests report to this one's parent
  const options = { env: environment, encoding: 'utf8' };
  return spawnSync(
    process.execPath,
    ['--test', join(folder, 'test', 'rules', `${name}.test.mjs`)],
    options,
  );
}

test('without a fault the copy passes', () => {
  for (const name of new Set(FAULTS.map((row) => row.test))) {
    const { status, stdout } = run(name);
    assert.equal(status, 0, stdout);
  }
});

for (const { fault, file, from, to, test: name } of FAULTS) {
  test(`a fault is caught: ${file} ${fault}`, () => {
    const path = join(folder, 'src', file);
    const right = readFileSync(path, 'utf8');
    assert.equal(right.split(from).length, 2, `${file} has no single ${from}`);
    writeFileSync(path, right.replace(from, to));
    const { status, stdout } = run(name);
    writeFileSync(path, right);
    assert.equal(status, 1, 'all tests passed');
    assert.match(stdout, /not ok|✖/);
  });
}
