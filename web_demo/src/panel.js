// The lesions beside the picture: a switch, a count and an area for each.

import { LESIONS } from './constants.js';

export class Panel {
  // `onChange`: called when other lesions are to be shown.
  constructor(rows, lesions, texts, onChange) {
    this.texts = texts;
    this.rows = new Map(lesions.map((lesion) => [lesion.code, makeRow(lesion, texts)]));
    rows.replaceChildren(...[...this.rows.values()].map(({ row }) => row));
    rows.onchange = () => onChange(); // a later panel's takes its place
  }

  shown() {
    return [...this.rows].filter(([, { box }]) => box.checked).map(([code]) => code);
  }

  // `findings`: code -> finding; null: none yet.
  show(findings) {
    for (const [code, { count, area }] of this.rows) {
      count.textContent = findings ? this.texts.number(findings[code].count) : '–';
      area.textContent = findings ? this.texts.area(findings[code]) : '–';
    }
  }
}

// Its own in the page's language, else ours for it, else its English one: as a line begins.
export function lesionName({ code, names }, texts) {
  const { language } = texts;
  const ours = LESIONS.includes(code) ? texts.say(`lesion_${code.toLowerCase()}`) : names.en;
  const [first, ...rest] = names[language] ?? ours;
  return first.toLocaleUpperCase(language) + rest.join('');
}

function makeRow(lesion, texts) {
  const { code, colour } = lesion;
  const name = lesionName(lesion, texts);
  const box = make('input', { type: 'checkbox', checked: true });
  box.setAttribute('role', 'switch');
  box.setAttribute('aria-label', texts.say('show_lesion', name));
  box.dataset.code = code;
  box.style.setProperty('--lesion', `rgb(${colour.join(' ')})`);
  const label = make('label');
  label.append(box, make('span', { textContent: name }));
  const head = make('th', { scope: 'row' });
  head.append(label);
  const [count, area] = [make('td', { textContent: '–' }), make('td', { textContent: '–' })];
  const row = make('tr');
  row.append(head, count, area);
  return { row, box, count, area };
}

function make(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}
