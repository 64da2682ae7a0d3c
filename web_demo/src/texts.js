// What the page says, in the visitor's language. Numbers are written as there.

import { TABLE } from './texts-table.js';

const LANGUAGES = { en: 'English', de: 'Deutsch' };

// The one asked for by ?lang=, else the first of the browser's own that we have, else English.
export function chooseLanguage(search, preferred) {
  const asked = new URLSearchParams(search).get('lang');
  const wanted = [asked, ...preferred.map((tag) => tag.slice(0, 2).toLowerCase()), 'en'];
  return wanted.find((language) => Object.hasOwn(LANGUAGES, language));
}

export class Texts {
  constructor(language) {
    this.language = language;
  }

  // The text of a key with its places {0}, {1} filled.
  say(key, ...values) {
    return TABLE[key][this.language].replace(/\{(\d)\}/g, (_, i) => this.#filled(values[i]));
  }

  #filled(value) {
    return typeof value === 'number' ? this.number(value) : String(value);
  }

  number(value, digits = 0) {
    const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return new Intl.NumberFormat(this.language, format).format(value);
  }

  // A share of the retina; what is there never reads as nothing.
  area({ pixels, basisPoints }) {
    if (pixels > 0 && basisPoints === 0) return this.say('area_below', this.number(0.01, 2));
    return this.say('area_value', this.number(basisPoints / 100, 2));
  }

  // Puts every text of the page in its place, and offers the other language.
  apply(page) {
    page.documentElement.lang = this.language;
    page.title = this.say('app_name');
    for (const element of page.querySelectorAll('[data-text]')) {
      element.textContent = this.say(element.dataset.text);
    }
    for (const element of page.querySelectorAll('[data-label]')) {
      element.setAttribute('aria-label', this.say(element.dataset.label));
      if (element.matches('button')) element.title = this.say(element.dataset.label);
    }
    const [other, name] = Object.entries(LANGUAGES).find(
      ([language]) => language !== this.language,
    );
    const link = page.querySelector('#language');
    Object.assign(link, {
      href: `?lang=${other}`,
      lang: other,
      hreflang: other,
      textContent: name,
    });
  }
}
