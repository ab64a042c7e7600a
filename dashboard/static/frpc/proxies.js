// The proxies that run, and those of the store.

import { get } from './api.js';
import { fill, h } from './dom.js';
import { store } from './store.js';
import { badge, every, failure, rows, searchField, tabs } from './ui.js';

export async function proxies(signal) {
  const area = h('div');
  let tab = new AbortController();
  const choose = async (name) => {
    tab.abort();
    tab = new AbortController();
    try {
      fill(area, name === 'status' ? await running(tab.signal) : await store('proxy', 'proxies'));
    } catch (error) {
      fill(area, failure(error, () => choose(name)));
    }
  };
  signal.addEventListener('abort', () => tab.abort());
  await choose('status');
  const choices = [['status', 'Status'], ['store', 'Store']];
  return { title: 'Proxies', body: [h('div.row', {}, tabs('View', choices, 'status', choose)), area] };
}

/** What is known of each proxy that the client serves. */
async function running(signal) {
  let all = [];
  let status = 'all';
  let type = '';
  let source = '';
  let q = '';
  const list = h('div', { 'aria-live': 'polite' });
  const pills = h('div');
  const show = () => {
    const fits = (p) =>
      (status === 'all' || p.status === status) &&
      (type === '' || p.type === type) &&
      (source === '' || (p.source ?? 'file') === source) &&
      p.name.toLowerCase().includes(q.toLowerCase());
    fill(list, rows('Proxies', all.filter(fits), row, 'No such proxy.'));
  };
  const set = (change) => (value) => {
    change(value);
    show();
  };
  const load = async () => {
    all = Object.values(await get('api/status')).flat();
    all.sort((a, b) => a.name.localeCompare(b.name));
    const counts = Map.groupBy(all, (p) => p.status);
    const choices = [...counts].map(([name, of]) => [name, `${name} ${of.length}`]);
    fill(pills, tabs('State', [['all', `all ${all.length}`], ...choices], status, set((v) => (status = v))));
    show();
  };
  await load();
  every(5, signal, () => load().catch(() => {}));
  const types = [...new Set(all.map((p) => p.type))].sort();
  return h(
    'div',
    {},
    h('div.row', {}, pills),
    h(
      'div.row',
      {},
      searchField('Search proxies', set((v) => (q = v))),
      filter('Type', types, set((v) => (type = v))),
      filter('Source', ['file', 'store'], set((v) => (source = v))),
      h('button', { type: 'button', onclick: load }, 'Refresh'),
    ),
    list,
  );
}

function filter(label, names, choose) {
  const options = names.map((name) => h('option', { value: name }, name));
  return h(
    'select',
    { 'aria-label': label, onchange: (event) => choose(event.target.value) },
    h('option', { value: '' }, `every ${label.toLowerCase()}`),
    options,
  );
}

function row(proxy) {
  const local = proxy.plugin ? `plugin ${proxy.plugin}` : proxy.local_addr;
  const about = [proxy.type, [local, proxy.remote_addr].filter(Boolean).join(' → ')];
  return [
    h(
      'div.what',
      {},
      h('a', { href: `#/proxies/detail/${encodeURIComponent(proxy.name)}` }, proxy.name),
      h('p', {}, about.filter(Boolean).join(' · ')),
      proxy.err && h('p.error', {}, proxy.err),
    ),
    proxy.source === 'store' && badge('store'),
    badge(proxy.status),
  ];
}
