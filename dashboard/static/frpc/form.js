// A form made of the fields of `fields.js`, over one object of the configuration.

import { freshId, h } from './dom.js';

/** What `object` has at a path such as `transport.useEncryption`. */
export function read(object, path) {
  return path.split('.').reduce((inside, key) => inside?.[key], object);
}

/** Puts a value at a path; `undefined` takes what is there away. */
export function write(object, path, value) {
  const keys = path.split('.');
  const last = keys.pop();
  let inside = object;
  for (const key of keys) {
    inside[key] ??= {};
    inside = inside[key];
  }
  if (value === undefined) delete inside[last];
  else inside[last] = value;
}

const lines = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean);

/** `key=value` lines as an object. */
function pairs(text) {
  return Object.fromEntries(
    lines(text).map((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}

const shown = {
  list: (value) => (value ?? []).join('\n'),
  map: (value) => Object.entries(value ?? {}).map(([k, v]) => `${k}=${v}`).join('\n'),
};

/** Each kind of field: how it is drawn, and what a change of it puts into the configuration. */
const kinds = {
  text: (props, value) => [h('input', { ...props, type: 'text', autocomplete: 'off', value: value ?? '' }), orNone],
  secret: (props, value) => [
    h('input', { ...props, type: 'password', autocomplete: 'new-password', value: value ?? '' }),
    orNone,
  ],
  number: (props, value) => [
    h('input', { ...props, type: 'number', step: '1', value: value ?? '' }),
    (input) => (input.value === '' ? undefined : Number(input.value)),
  ],
  flag: (props, value) => [
    h('input', { ...props, type: 'checkbox', required: false, checked: Boolean(value) }),
    (input) => input.checked,
  ],
  list: (props, value) => [
    h('textarea', { ...props, rows: '2', value: shown.list(value) }),
    (input) => (lines(input.value).length ? lines(input.value) : undefined),
  ],
  map: (props, value) => [
    h('textarea', { ...props, rows: '2', value: shown.map(value) }),
    (input) => (lines(input.value).length ? pairs(input.value) : undefined),
  ],
};

function orNone(input) {
  return input.value === '' ? undefined : input.value;
}

function chooser(props, value, choices) {
  const option = (name) => h('option', { value: name, selected: name === (value ?? '') }, name || 'default');
  return [h('select', props, choices.map(option)), orNone];
}

/** One field over `object`; `changed` is called after each change. */
function field(object, [path, label, kind, more = {}], changed) {
  const value = read(object, path) ?? more.initial;
  const hint = more.hint || kind === 'list' || kind === 'map' ? freshId() : undefined;
  const props = { name: path, required: more.required, 'aria-describedby': hint };
  const [input, taken] =
    kind === 'choice' ? chooser(props, value, more.choices) : kinds[kind](props, value);
  input.addEventListener('input', () => {
    write(object, path, taken(input));
    changed();
  });
  const form = { list: 'one on each line', map: 'one key=value on each line' }[kind];
  const help = [form, more.hint].filter(Boolean).join(', ');
  const text = h('span', {}, label);
  return h(
    'div',
    {},
    h('label', {}, kind === 'flag' ? [input, ' ', text] : [text, input]),
    hint && h('p.hint', { id: hint }, help),
  );
}

/** The parts of a form, each with a heading, over `object`. */
export function parts(object, list, changed) {
  return list
    .filter(([, fields]) => fields.length > 0)
    .map(([title, fields]) =>
      h(
        'fieldset',
        {},
        h('legend', {}, title),
        h('div.fields', {}, fields.map((f) => field(object, f, changed))),
      ),
    );
}

/** A choice of one of `names` with a label; `choose` is called with the new one. */
export function picker(label, names, current, choose, fixed = false) {
  const option = (name) => h('option', { value: name, selected: name === current }, name || 'none');
  const onchange = (event) => choose(event.target.value);
  return h('label.row', {}, label, h('select', { disabled: fixed, onchange }, names.map(option)));
}
