// Where a picture stands in its window: pure numbers, no page.

export const MOST = 16; // times as large as when it fits
const KEY_STEP = 1.5;
const PAN_STEP = 0.15; // of the window

export class Zoom {
  scale = 1; // 1: fits
  x = 0; // of the picture's left top corner in the window, px
  y = 0;
  #window = [1, 1];
  #picture = [1, 1];

  // Sizes are [width, height]; a new picture or window begins fitted.
  fit(window = this.#window, picture = this.#picture) {
    this.#window = window;
    this.#picture = picture;
    this.scale = 1;
    this.#settle();
  }

  // CSS px per pixel of the picture.
  get factor() {
    return (
      this.scale * Math.min(this.#window[0] / this.#picture[0], this.#window[1] / this.#picture[1])
    );
  }

  // By `times` around a point of the window, which stays where it is. Says whether it changed.
  by(times, x = this.#window[0] / 2, y = this.#window[1] / 2) {
    const scale = Math.min(MOST, Math.max(1, this.scale * times));
    const grown = scale / this.scale;
    this.x = x - (x - this.x) * grown;
    this.y = y - (y - this.y) * grown;
    this.scale = scale;
    this.#settle();
    return grown !== 1;
  }

  move(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#settle();
  }

  // Whether the key was one of ours.
  key(key) {
    const act = {
      '+': () => this.by(KEY_STEP),
      '=': () => this.by(KEY_STEP), // + without its shift
      '-': () => this.by(1 / KEY_STEP),
      0: () => this.fit(),
      ArrowLeft: () => this.move(this.#window[0] * PAN_STEP, 0),
      ArrowRight: () => this.move(-this.#window[0] * PAN_STEP, 0),
      ArrowUp: () => this.move(0, this.#window[1] * PAN_STEP),
      ArrowDown: () => this.move(0, -this.#window[1] * PAN_STEP),
    }[key];
    const ours = act && (this.scale > 1 || !key.startsWith('Arrow')); // fitted, arrows scroll the page
    if (ours) act();
    return Boolean(ours);
  }

  // No gap between picture and window where the picture is larger, in the middle where it is not.
  #settle() {
    this.x = this.#along(0, this.x);
    this.y = this.#along(1, this.y);
  }

  #along(axis, at) {
    const spare = this.#window[axis] - this.#picture[axis] * this.factor;
    return spare >= 0 ? spare / 2 : Math.min(0, Math.max(spare, at));
  }
}
