// The window on the picture: pinch, wheel, drag and keys move a canvas by a CSS transform.

import { Zoom } from './zoom.js';

const WHEEL_STEP = 0.002; // per px of the wheel's turn
const SHARP = 3; // from this many CSS px per pixel on, pixels are shown as squares

export class View {
  #zoom = new Zoom();
  #pointers = new Map();

  constructor(window, canvas) {
    this.window = window;
    this.canvas = canvas;
    new ResizeObserver(() => this.fit()).observe(window);
    window.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    window.addEventListener('keydown', (event) => this.#key(event));
    window.addEventListener('dblclick', () => (this.#zoom.scale > 1 ? this.fit() : this.by(3)));
    window.addEventListener('pointerdown', (event) => this.#down(event));
    window.addEventListener('pointermove', (event) => this.#move(event));
    for (const type of ['pointerup', 'pointercancel']) {
      window.addEventListener(type, (event) => this.#pointers.delete(event.pointerId));
    }
  }

  fit() {
    const { clientWidth, clientHeight } = this.window;
    this.#zoom.fit([clientWidth, clientHeight], [this.canvas.width, this.canvas.height]);
    this.#show();
  }

  by(times) {
    this.#zoom.by(times);
    this.#show();
  }

  #wheel(event) {
    const [x, y] = this.#at(event);
    if (this.#zoom.by(Math.exp(-event.deltaY * WHEEL_STEP), x, y)) event.preventDefault();
    this.#show();
  }

  #key(event) {
    if (event.target !== this.window || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#zoom.key(event.key)) event.preventDefault();
    this.#show();
  }

  #down(event) {
    if (event.target.closest('button')) return;
    this.#pointers.set(event.pointerId, this.#at(event));
    this.window.setPointerCapture(event.pointerId);
  }

  // One pointer drags; two also pinch, around the point between them.
  #move(event) {
    if (!this.#pointers.has(event.pointerId)) return;
    const before = this.#grip();
    this.#pointers.set(event.pointerId, this.#at(event));
    const now = this.#grip();
    this.#zoom.move(now.x - before.x, now.y - before.y);
    if (before.spread && now.spread) this.#zoom.by(now.spread / before.spread, now.x, now.y);
    this.#show();
  }

  #grip() {
    const [a, b = a] = this.#pointers.values();
    return {
      x: (a[0] + b[0]) / 2,
      y: (a[1] + b[1]) / 2,
      spread: Math.hypot(a[0] - b[0], a[1] - b[1]),
    };
  }

  #at(event) {
    const { left, top } = this.window.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  #show() {
    const { x, y, factor, scale } = this.#zoom;
    this.canvas.style.transform = `translate(${x}px, ${y}px) scale(${factor})`;
    this.canvas.style.imageRendering = factor >= SHARP ? 'pixelated' : 'auto';
    this.window.classList.toggle('zoomed', scale > 1);
    this.window.dataset.zoom = scale.toFixed(2);
  }
}
