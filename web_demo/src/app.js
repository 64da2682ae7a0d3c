// The page: what happens between a visitor's hands, the engine, and the screen.

import { FATAL_FLAGS, OPACITY } from './constants.js';
import { Engine } from './engine.js';
import { finding, flags, threshold } from './findings.js';
import { takeIn } from './intake.js';
import { Notes } from './notes.js';
import { hearNews, storePage } from './offline.js';
import { overlay } from './overlay.js';
import { Panel, lesionName } from './panel.js';
import { Problem, asProblem } from './problem.js';
import { judgeQuality, sentences } from './quality.js';
import { offerSamples } from './samples.js';
import { Texts, chooseLanguage } from './texts.js';
import { View } from './view.js';

const $ = (selector) => document.querySelector(selector);
const texts = new Texts(chooseLanguage(location.search, navigator.languages));
const notes = new Notes($('#notes'));
const view = new View($('#window'), $('#picture'));
const engine = new Engine();

// What the page knows; state: opening, ready, busy, shown or failed; result: of the photo on screen.
const known = { state: 'opening', manifest: null, result: null, problem: null };
// For tests and for the curious, who may read it.
Object.defineProperty(window, 'mobileseg', { get: () => ({ ...known }) });

// After these the engine may be in any state, and is started anew.
const BREAKING = ['error_model', 'error_memory'];

let panel;
let opening; // a promise of the manifest
let broken = false;
let turn = 0; // of the latest photo: answers to earlier ones are dropped
let redraw = 0;

function setState(state, busyText) {
  known.state = state;
  document.documentElement.dataset.state = state;
  $('#busy').hidden = !busyText;
  $('#time').hidden = Boolean(busyText) || !known.result;
  $('#busy span').textContent = busyText ?? '';
  $('#stage').setAttribute('aria-busy', String(Boolean(busyText)));
  if (busyText) $('#status').textContent = busyText;
}

function fail(error, again) {
  const problem = asProblem(error, (said) => new Problem('error_model', said));
  known.problem = { key: problem.key, values: problem.values };
  const button = again && { text: texts.say('retry'), act: again };
  notes.show('problem', texts.say(problem.key, ...problem.values), button);
  $('#status').textContent = '';
  setState('failed');
}

async function open() {
  broken = false;
  notes.hide('problem');
  known.problem = null;
  setState('opening', texts.say('loading_model'));
  opening = openEngine();
  try {
    showModel(await opening);
    setState('ready');
    $('#status').textContent = '';
  } catch (error) {
    broken = true;
    fail(error, open);
  }
}

async function openEngine() {
  if (typeof WebAssembly !== 'object') throw new Problem('error_no_wasm');
  if (typeof OffscreenCanvas !== 'function') throw new Problem('error_old_browser');
  return engine.open();
}

function showModel(manifest) {
  known.manifest = manifest;
  const { name, variant, precision, mobileseg } = manifest;
  const line = texts.say('model_line', name, variant, precision, mobileseg);
  const calibrated = manifest.lesions.some(({ calibration }) => calibration);
  $('#model').textContent = calibrated ? `${line}, ${texts.say('calibrated')}` : line;
  $('#facts').hidden = false;
  $('#findings').hidden = false;
  panel = new Panel($('#lesions'), manifest.lesions, texts, draw);
}

// `photo`: gives a File, or a promise of one.
async function look(photo) {
  const mine = ++turn;
  if (broken) open();
  try {
    await opening;
    if (mine !== turn) return;
    setState('busy', texts.say('working'));
    notes.hide('problem', 'warning');
    known.problem = null;
    const answer = await engine.look(await photo());
    if (mine === turn) show(answer);
  } catch (error) {
    broken ||= BREAKING.includes(error.key);
    if (mine === turn) fail(error, canTryAgain(error) ? () => look(photo) : undefined);
  }
}

// Another look at the same photo may do better; at a broken or huge one it does not.
const canTryAgain = ({ key }) => broken || key === 'error_network';

function show(answer) {
  const { side, lesions } = known.manifest;
  const size = side * side;
  const masks = {};
  const findings = {};
  lesions.forEach(({ code, threshold: limit }, c) => {
    masks[code] = threshold(answer.probabilities.subarray(c * size, (c + 1) * size), limit);
    findings[code] = finding(masks[code], side, answer.retina);
  });
  const judged = judge(answer);
  // An unusable picture's lesions wait for a deliberate step.
  known.result = { ...answer, ...judged, masks, findings, told: judged.usable };
  $('#empty').hidden = true;
  $('#tools').hidden = false;
  $('#picture').hidden = false;
  $('#window').tabIndex = 0;
  $('#latency').textContent = texts.say('milliseconds', Math.round(answer.latencyMs));
  [$('#picture').height, $('#picture').width] = answer.contentHw;
  $('#stage').style.setProperty('--shape', answer.contentHw[0] / answer.contentHw[1]);
  showQuality(judged);
  view.fit();
  tell();
  setState('shown');
}

// What may be said of the picture, with a quality output or without.
function judge({ crop, retina, quality }) {
  const { side, lesions, quality: spec } = known.manifest;
  const raised = flags(crop, retina, side);
  const usable = !raised.some((flag) => FATAL_FLAGS.includes(flag));
  if (!spec) return { flags: raised, usable, judged: null };
  const codes = lesions.map(({ code }) => code);
  const judged = judgeQuality(quality, codes, spec, raised);
  return { flags: judged.flags, usable: judged.usable, judged };
}

// The sentences before any figure.
function showQuality({ flags: raised, usable, judged }) {
  $('#quality').hidden = !judged;
  if (judged) $('#quality b').textContent = texts.say('quality_value', judged.percent);
  const said = sentences({ flags: raised, usable }).map((key) => texts.say(key));
  const button = { text: texts.say('show_counts'), act: showCounts };
  if (said.length) notes.show('warning', said.join(' '), usable ? undefined : button);
}

// The deliberate step.
function showCounts() {
  known.result.told = true;
  const said = sentences(known.result).map((key) => texts.say(key));
  notes.show('warning', said.join(' '));
  tell();
  $('#lesions input').focus();
}

function tell() {
  panel.show(known.result.told ? known.result.findings : null);
  paint();
  $('#status').textContent = spoken(known.result);
}

// The result as one would read it out.
function spoken({ latencyMs, findings, flags: raised, usable, judged, told }) {
  const warned = sentences({ flags: raised, usable }).map((key) => texts.say(key).slice(0, -1));
  const quality = judged ? [texts.say('quality_spoken', judged.percent)] : [];
  const parts = known.manifest.lesions.map((lesion) => {
    const found = findings[lesion.code];
    return texts.say('finding', lesionName(lesion, texts), found.count, texts.area(found));
  });
  const done = texts.say('done', Math.round(latencyMs));
  return [...warned, done, ...quality, ...(told ? parts : [])].join('. ');
}

// At most once a frame, however fast the slider moves.
function draw() {
  cancelAnimationFrame(redraw);
  redraw = requestAnimationFrame(paint);
}

function paint() {
  const opacity = Number($('#opacity').value);
  $('#opacity-value').textContent = texts.say('opacity_value', Math.round((opacity * 100) / 255));
  $('#opacity').setAttribute('aria-valuetext', $('#opacity-value').textContent);
  if (!known.result) return;
  const { frame, contentHw, crop, masks, told } = known.result;
  const { frameHw, side, lesions } = known.manifest;
  const shown = panel.shown();
  const coloured = lesions.map(({ code, colour }) => ({
    colour,
    mask: masks[code],
    shown: told && shown.includes(code),
  }));
  const drawn = overlay({ frame, frameHw, contentHw, side, crop, opacity, lesions: coloured });
  const picture = new ImageData(drawn, contentHw[1], contentHw[0]);
  $('#picture').getContext('2d', { willReadFrequently: true }).putImageData(picture, 0, 0);
}

function save() {
  $('#picture').toBlob((blob) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = 'retina-lesions.png';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // at once would be before the download
  });
}

async function start() {
  texts.apply(document);
  const reload = { text: texts.say('reload'), act: () => location.reload() };
  hearNews(() => notes.show('news', texts.say('new_version'), reload));
  $('#opacity').value = OPACITY;
  $('#opacity').addEventListener('input', draw);
  $('#zoom-in').addEventListener('click', () => view.by(1.5));
  $('#zoom-out').addEventListener('click', () => view.by(1 / 1.5));
  $('#zoom-fit').addEventListener('click', () => view.fit());
  $('#save').addEventListener('click', save);
  paint();
  takeIn(document, look);
  const opened = open();
  $('#samples').hidden = !(await offerSamples($('#sample-list'), texts, look));
  await opened; // the model first: storing fetches the same files
  $('#offline-row').hidden = !(await storePage());
}

start();
