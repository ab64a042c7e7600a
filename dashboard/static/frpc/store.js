// The entries of the store in a list: proxies or visitors, with what can be done to them.

import { get, path, put, remove } from './api.js';
import { fill, h } from './dom.js';
import { attempt, badge, confirm, rows } from './ui.js';

/** What stands where the store is off. */
function off() {
  return h(
    'div.panel',
    {},
    h('p', {}, 'The store is off. To make proxies and visitors here, add this to the configuration:'),
    h('pre', {}, '[store]\npath = "./frpc_store.json"'),
  );
}

/** The entries of `word` (`proxy`, `visitor`); `plural` names them in addresses. */
export async function store(word, plural) {
  const place = `api/store/${plural}`;
  const element = h('div');
  const show = async () => {
    let entries;
    try {
      entries = (await get(place))[plural];
    } catch (error) {
      if (error.status !== 404) throw error;
      fill(element, off());
      return;
    }
    const create = h('a.button.first', { href: `#/${plural}/create` }, `+ New ${word}`);
    fill(
      element,
      h('div.row', {}, h('span.grow'), create),
      rows(`Stored ${plural}`, entries, row, `The store has no ${word} yet.`),
    );
  };
  const row = (entry) => {
    const own = path(`${place}/{}`, entry.name);
    const value = entry[entry.type];
    const detail = `#/${plural}/detail/${encodeURIComponent(entry.name)}`;
    const enabled = value.enabled !== false;
    const turn = async () => {
      const next = { ...entry, [entry.type]: { ...value, enabled: !enabled } };
      const done = enabled ? 'disabled' : 'enabled';
      if (await attempt(() => put(own, next), `${entry.name} is ${done}.`)) await show();
    };
    const drop = async () => {
      if (!(await confirm(`Delete the ${word} ${entry.name} for good?`, 'Delete'))) return;
      if (await attempt(() => remove(own), `${entry.name} is deleted.`)) await show();
    };
    return [
      h('div.what', {}, h('a', { href: detail }, entry.name), h('p', {}, entry.type)),
      badge(enabled ? 'enabled' : 'disabled'),
      h('a.button', { href: `#/${plural}/${encodeURIComponent(entry.name)}/edit` }, 'Edit'),
      h('button', { type: 'button', onclick: turn }, enabled ? 'Disable' : 'Enable'),
      h('button.danger', { type: 'button', onclick: drop }, 'Delete'),
    ];
  };
  await show();
  return element;
}
