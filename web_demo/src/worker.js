// Everything that takes longer than a blink, off the page's own thread: fetch and check the model,
// decode and fit a photo, run. One message in, one message out, in order.

import { fetchBundle } from './bundle.js';
import { photoToFrame } from './decode.js';
import { Problem, asProblem } from './problem.js';
import { Session } from './session.js';

let session;

const TASKS = {
  async open() {
    session = await Session.open(await fetchBundle());
    return { value: session.manifest };
  },
  async look({ file }) {
    const photo = await photoToFrame(file, session.manifest.frameHw);
    const answer = await session.run(photo.frame);
    const value = { ...photo, ...answer };
    return { value, moved: [photo.frame.buffer, answer.probabilities.buffer] };
  },
};

let before = Promise.resolve(); // a session runs one photo at a time

self.onmessage = ({ data }) => {
  before = before.then(() => answer(data));
};

async function answer({ id, task, given }) {
  try {
    const { value, moved = [] } = await TASKS[task](given);
    self.postMessage({ id, value }, moved);
  } catch (error) {
    const { key, values } = asProblem(error, (said) => new Problem('error_model', said));
    self.postMessage({ id, problem: { key, values } });
  }
}
