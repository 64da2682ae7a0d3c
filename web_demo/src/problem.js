// A failure a person can do something about: a key of the texts, and what fills its places.

export class Problem extends Error {
  constructor(key, ...values) {
    super([key, ...values].join(' '));
    this.key = key;
    this.values = values;
  }
}

// What a toolkit or the browser threw, as one of ours: out of memory, or `otherwise`.
export function asProblem(error, otherwise) {
  if (error instanceof Problem) return error;
  const said = String(error?.message ?? error).split('\n')[0];
  const memory = error instanceof RangeError || /bad_alloc|out of memory|allocation/i.test(said);
  return memory ? new Problem('error_memory') : otherwise(said);
}
