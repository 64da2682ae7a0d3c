// From probabilities to what a person is told: masks, counts, areas, warnings.

// (side · side) 0 or 1: lesion where p >= threshold, compared as the 32-bit numbers both are.
export function threshold(probabilities, limit) {
  const least = Math.fround(limit);
  const mask = new Uint8Array(probabilities.length);
  for (let i = 0; i < mask.length; i++) mask[i] = probabilities[i] >= least ? 1 : 0;
  return mask;
}

// Flags that need no quality output: see constants.js.
export function flags(crop, retina, side) {
  if (retina === 0) return ['no-retina'];
  return Math.max(crop[2], crop[3]) < side ? ['too-small'] : [];
}

// One lesion in one picture; `area` is a share of the retina, `basisPoints` hundredths of a percent.
export function finding(mask, side, retina) {
  let pixels = 0;
  for (const value of mask) pixels += value;
  const area = retina > 0 ? pixels / (retina * (side * side)) : 0;
  return {
    count: components(mask, side),
    pixels,
    area,
    basisPoints: Math.floor(area * 10000 + 0.5),
  };
}

// 8-connected components, each filled from its first pixel; a stack, since recursion would overflow.
function components(mask, side) {
  const open = Uint8Array.from(mask);
  const stack = [];
  let count = 0;
  for (let first = 0; first < open.length; first++) {
    if (!open[first]) continue;
    count += 1;
    open[first] = 0;
    stack.push(first);
    while (stack.length) visitNeighbours(open, side, stack.pop(), stack);
  }
  return count;
}

function visitNeighbours(open, side, at, stack) {
  const [row, column] = [Math.floor(at / side), at % side];
  for (let y = Math.max(0, row - 1); y <= Math.min(side - 1, row + 1); y++) {
    for (let x = Math.max(0, column - 1); x <= Math.min(side - 1, column + 1); x++) {
      const next = y * side + x;
      if (open[next]) {
        open[next] = 0;
        stack.push(next);
      }
    }
  }
}
