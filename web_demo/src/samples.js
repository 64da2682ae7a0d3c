// Sample pictures, where the server has some: phantoms, nobody's eyes.

import { Problem } from './problem.js';

const FOLDER = new URL('../samples/', import.meta.url);

// Fills `list` with a button for each; says whether there are any.
export async function offerSamples(list, texts, onPhoto) {
  const files = await sampleFiles();
  list.replaceChildren(
    ...files.map((file, i) => {
      const item = document.createElement('li');
      item.append(makeButton(file, texts.say('sample', i + 1), onPhoto));
      return item;
    }),
  );
  return files.length > 0;
}

async function sampleFiles() {
  try {
    const response = await fetch(new URL('index.json', FOLDER), { cache: 'no-cache' });
    const { samples } = await response.json();
    return samples.map(({ file }) => file);
  } catch {
    return []; // none, or offline: the page does without
  }
}

function makeButton(file, label, onPhoto) {
  const picture = Object.assign(new Image(), { src: new URL(file, FOLDER).href, alt: '' });
  const button = document.createElement('button');
  Object.assign(button, { type: 'button', title: label });
  button.setAttribute('aria-label', label);
  button.append(picture);
  button.addEventListener('click', () => onPhoto(() => fetchSample(file)));
  return button;
}

async function fetchSample(file) {
  try {
    const response = await fetch(new URL(file, FOLDER));
    if (response.ok) return new File([await response.blob()], file);
  } catch {
    // said below
  }
  throw new Problem('error_network', file);
}
