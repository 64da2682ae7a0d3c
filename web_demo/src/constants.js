// What the three apps and the Python package agree on; a test holds it to tests/goldens/index.json.

export const TARGET = 'onnx';
export const ARTIFACT = 'model.onnx';
export const SCHEMA = 2;
export const LESIONS = ['MA', 'HE', 'EX', 'SE']; // the order of every table and tensor
export const OPACITY = 150; // of 255
export const MOST_MEGAPIXELS = 50; // decoded, that is 200 MB
export const MOST_FILE_BYTES = 100_000_000;
