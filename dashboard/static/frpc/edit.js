// Makes or changes a proxy or a visitor of the store.

import { get, path, post, put } from './api.js';
import { fill, h } from './dom.js';
import { parts, picker } from './form.js';
import { plugins, proxyParts, proxyTypes, visitorParts, visitorTypes } from './fields.js';
import { go, guard } from './router.js';
import { attempt, toast } from './ui.js';

const proxyKind = {
  word: 'proxy',
  store: 'api/store/proxies',
  list: '#/proxies',
  types: proxyTypes,
  form: (type, value) => proxyParts(type, value.plugin?.type ?? ''),
};
const visitorKind = {
  word: 'visitor',
  store: 'api/store/visitors',
  list: '#/visitors',
  types: visitorTypes,
  form: (type) => visitorParts(type),
};

export const createProxy = () => create(proxyKind);
export const createVisitor = () => create(visitorKind);
export const editProxy = (name) => edit(proxyKind, name);
export const editVisitor = (name) => edit(visitorKind, name);

async function create(kind) {
  try {
    await get(kind.store);
  } catch (error) {
    if (error.status !== 404) throw error;
    toast('The store is off: set store.path in the configuration first.', 'bad');
    go(kind.list);
    return { title: 'Store', body: '' };
  }
  return editor(kind, kind.types[0], {}, null);
}

async function edit(kind, name) {
  const { type, [type]: value } = await get(path(`${kind.store}/{}`, name));
  return editor(kind, type, value, name);
}

/** The form; `name` is that of an entry which is there already. */
function editor(kind, firstType, value, name) {
  let type = firstType;
  let touched = false;
  const changed = () => {
    touched = true;
  };
  const area = h('div');
  const draw = () => {
    const choosePlugin = (plugin) => {
      value.plugin = plugin ? { type: plugin } : null;
      changed();
      draw();
    };
    const chooseType = (next) => {
      type = next;
      draw();
    };
    fill(
      area,
      h(
        'div.row',
        {},
        picker('Type', kind.types, type, chooseType, name !== null),
        kind === proxyKind &&
          picker('Served by plugin', ['', ...Object.keys(plugins)], value.plugin?.type ?? '', choosePlugin),
      ),
      parts(value, kind.form(type, value), changed),
    );
  };
  draw();
  const save = async (event) => {
    event.preventDefault();
    const entry = { name: value.name, type, [type]: { ...value, type } };
    const work = () =>
      name === null ? post(kind.store, entry) : put(path(`${kind.store}/{}`, name), entry);
    if (await attempt(work, `The ${kind.word} is saved.`)) go(kind.list);
  };
  guard(() => touched);
  const body = h(
    'form',
    { onsubmit: save },
    area,
    h(
      'div.row.end',
      {},
      h('a.button', { href: kind.list }, 'Cancel'),
      h('button.first', { type: 'submit' }, 'Save'),
    ),
  );
  const title = name === null ? `New ${kind.word}` : `Edit ${kind.word} ${name}`;
  return { title, body };
}
