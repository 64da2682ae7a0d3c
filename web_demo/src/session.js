// The model itself: onnxruntime-web around the artifact.

import { Problem, asProblem } from './problem.js';

const RUNTIME = new URL('../vendor/ort.wasm.bundle.min.mjs', import.meta.url);

const modelProblem = (said) => new Problem('error_model', said);

export class Session {
  // The runtime finds its .wasm beside itself; one thread, because more need the two headers
  // (COOP, COEP) that simple hosts do not send.
  static async open({ manifest, artifact }) {
    let ort;
    try {
      ort = await import(RUNTIME);
    } catch {
      throw new Problem('error_network', 'vendor/ort.wasm.bundle.min.mjs');
    }
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    try {
      const options = { executionProviders: ['wasm'], graphOptimizationLevel: 'all' };
      const session = await ort.InferenceSession.create(artifact, options);
      return new Session(ort, session, manifest);
    } catch (error) {
      throw asProblem(error, modelProblem);
    }
  }

  constructor(ort, session, manifest) {
    this.ort = ort;
    this.session = session;
    this.manifest = manifest;
  }

  // `frame`: (H · W · 3) uint8 RGB. Gives (C · side · side) probabilities, the crop in frame
  // pixels, the retina's share of it, (C + K) quality if the model has it, and how long it took.
  async run(frame) {
    const { inputName, frameHw, side, lesions, quality: spec } = this.manifest;
    try {
      const input = new this.ort.Tensor('uint8', frame, [1, ...frameHw, 3]);
      const started = performance.now();
      const { probabilities, crop, retina, quality } = await this.session.run({
        [inputName]: input,
      });
      const latencyMs = performance.now() - started;
      expectShape('probabilities', probabilities, [1, lesions.length, side, side]);
      expectShape('crop', crop, [1, 4]);
      expectShape('retina', retina, [1, 1]);
      if (spec) expectShape('quality', quality, [1, lesions.length + spec.values.length]);
      return {
        probabilities: Float32Array.from(probabilities.data),
        crop: Array.from(crop.data, Math.round), // whole already; 32-bit numbers by format
        retina: retina.data[0],
        quality: spec && Float32Array.from(quality.data),
        latencyMs,
      };
    } catch (error) {
      throw asProblem(error, modelProblem);
    }
  }
}

function expectShape(name, tensor, shape) {
  const found = tensor ? `${tensor.type} ${tensor.dims.join('x')}` : 'nothing';
  const expected = `float32 ${shape.join('x')}`;
  if (found !== expected) throw new Problem('error_model', `${name}: ${found}, not ${expected}`);
}
