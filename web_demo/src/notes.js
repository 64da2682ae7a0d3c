// Messages above the lesions: a problem, a warning, news. One of each at a time.

export class Notes {
  constructor(place) {
    this.place = place;
  }

  // `kind`: 'problem' (said at once by screen readers), 'warning' or 'news'; `button`: {text, act}.
  show(kind, text, button) {
    this.hide(kind);
    const note = document.createElement('div');
    note.className = `note ${kind}`;
    note.setAttribute('role', kind === 'problem' ? 'alert' : 'note');
    const paragraph = document.createElement('p');
    paragraph.textContent = text;
    note.append(paragraph);
    if (button) note.append(makeButton(button));
    this.place.append(note);
  }

  hide(...kinds) {
    for (const kind of kinds) this.place.querySelector(`.${kind}`)?.remove();
  }
}

function makeButton({ text, act }) {
  const button = document.createElement('button');
  Object.assign(button, { type: 'button', textContent: text, onclick: act });
  return button;
}
