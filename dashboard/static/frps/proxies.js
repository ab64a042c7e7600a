// All proxies, of one type or of every.

import { data, post } from './api.js';
import { h } from './dom.js';
import { go } from './router.js';
import { proxyRow } from './rows.js';
import { attempt, confirm, every, paged, searchField, tabs } from './ui.js';

const TYPES = ['tcp', 'udp', 'http', 'https', 'tcpmux', 'stcp', 'sudp', 'xtcp'];

export async function proxies(...given) {
  const signal = given.pop();
  const [type = 'all'] = given;
  let q = '';
  const load = (page) => data('api/v2/proxies', { ...page, type: type === 'all' ? '' : type, q });
  const table = paged('Proxies', load, proxyRow, 'No such proxy.');
  const search = (text) => {
    q = text;
    table.again(true);
  };
  const prune = async () => {
    const sure = await confirm('Forget the figures of every proxy that is offline?', 'Clear offline');
    if (!sure) return;
    const work = () => post('api/v2/system/prune?type=offline_proxies');
    if (await attempt(work, 'The offline proxies are cleared.')) table.again(true);
  };
  await table.again();
  every(10, signal, table.again);
  const choices = [['all', 'All'], ...TYPES.map((name) => [name, name])];
  const choose = (value) => go(value === 'all' ? '#/proxies' : `#/proxies/${value}`);
  const body = [
    h('div.row', {}, tabs('Type', choices, type, choose)),
    h(
      'div.row',
      {},
      searchField('Search proxies', search),
      h('button', { type: 'button', onclick: () => table.again() }, 'Refresh'),
      h('button.danger', { type: 'button', onclick: prune }, 'Clear offline'),
    ),
    table.element,
  ];
  return { title: 'Proxies', body };
}
