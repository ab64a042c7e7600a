// All clients, online or remembered.

import { data } from './api.js';
import { h } from './dom.js';
import { clientRow } from './rows.js';
import { every, paged, searchField, tabs } from './ui.js';

const STATES = [['all', 'All'], ['online', 'Online'], ['offline', 'Offline']];

export async function clients(signal) {
  let status = 'all';
  let q = '';
  const load = (page) => data('api/v2/clients', { ...page, status, q });
  const table = paged('Clients', load, clientRow, 'No such client.');
  const choose = (value) => {
    status = value;
    table.again(true);
  };
  const search = (text) => {
    q = text;
    table.again(true);
  };
  await table.again();
  every(10, signal, table.again);
  const tools = h('div.row', {}, tabs('State', STATES, status, choose), searchField('Search clients', search));
  return { title: 'Clients', body: [tools, table.element] };
}
