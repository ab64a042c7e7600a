// One proxy or visitor as it runs.

import { get, path } from './api.js';
import { h } from './dom.js';
import { badge, facts, section } from './ui.js';

/** Keys of a configuration that hold a secret: they are not shown. */
const SECRET = /(password|secretKey|groupKey)$/i;

export async function proxy(name) {
  const [status, config] = await Promise.all([
    get('api/status'),
    get(path('api/proxy/{}/config', name)),
  ]);
  const it = Object.values(status).flat().find((p) => p.name === name);
  const head = [badge(config.type), it && badge(it.status), it?.source === 'store' && editLink('proxies', name)];
  const body = [
    h('div.row', {}, head),
    it?.err && h('div.panel.bad', { role: 'alert' }, it.err),
    section('Addresses', facts([
      ['Local', it?.local_addr],
      ['Plugin', it?.plugin],
      ['Remote', it?.remote_addr],
      ['Source', it?.source ?? 'file'],
    ])),
    section('Configuration', facts(flat(config[config.type]))),
  ];
  return { title: name, body };
}

export async function visitor(name) {
  const config = await get(path('api/visitor/{}/config', name));
  const body = [
    h('div.row', {}, badge(config.type)),
    section('Configuration', facts(flat(config[config.type]))),
  ];
  return { title: name, body };
}

function editLink(plural, name) {
  return h('a.button', { href: `#/${plural}/${encodeURIComponent(name)}/edit` }, 'Edit');
}

/** Every leaf of an object with its path, in a form to read. */
function flat(object, before = '') {
  return Object.entries(object ?? {}).flatMap(([key, value]) => {
    const at = before + key;
    if (SECRET.test(at)) return value ? [[at, '•••']] : [];
    if (Array.isArray(value)) return [[at, value.map(String).join(', ')]];
    if (value !== null && typeof value === 'object') return flat(value, `${at}.`);
    return value === null ? [] : [[at, String(value)]];
  });
}
