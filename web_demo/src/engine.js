// The page's side of the worker: promises instead of messages.

import { Problem } from './problem.js';

export class Engine {
  #worker;
  #waiting = new Map();
  #next = 0;

  // The manifest of the model that is now ready.
  open() {
    this.close();
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.#worker.onmessage = ({ data }) => this.#settle(data);
    // The worker's own file, or one it imports, did not come; or it was ended for its memory.
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const problem = event.message
        ? { key: 'error_model', values: [event.message] }
        : { key: 'error_network', values: ['src/worker.js'] };
      for (const id of [...this.#waiting.keys()]) this.#settle({ id, problem });
    };
    return this.#ask('open');
  }

  // What the model answers for one photo: see worker.js.
  look(file) {
    return this.#ask('look', { file });
  }

  close() {
    this.#worker?.terminate();
    this.#waiting.clear();
  }

  #ask(task, given) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, task, given });
    });
  }

  #settle({ id, value, problem }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (problem) waiting?.reject(new Problem(problem.key, ...problem.values));
    else waiting?.resolve(value);
  }
}
