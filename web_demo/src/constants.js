// What the three apps and the Python package agree on; a test holds it to tests/goldens/index.json.

export const TARGET = 'onnx';
export const ARTIFACT = 'model.onnx';
export const SCHEMA = 3;
export const OLDEST_SCHEMA = 2; // that is still read
export const LESIONS = ['MA', 'HE', 'EX', 'SE']; // that have names here, and all that schema 2 knows
// What may be said of a picture, in the order in which it is said.
export const FLAGS = [
  'no-retina',
  'not-fundus',
  'too-dark',
  'too-bright',
  'blurred',
  'glare',
  'field-cut',
  'odd-colour',
  'too-small',
];
export const FLAGS_BY_VALUES = FLAGS.filter((flag) => !['no-retina', 'too-small'].includes(flag));
export const FATAL_FLAGS = ['no-retina', 'not-fundus']; // whatever the quality
export const OPACITY = 150; // of 255
export const MOST_MEGAPIXELS = 50; // decoded, that is 200 MB
export const MOST_FILE_BYTES = 100_000_000;
