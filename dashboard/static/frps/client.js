// One client and its proxies.

import { data, path } from './api.js';
import { h } from './dom.js';
import { clock } from './format.js';
import { clientName, proxyRow } from './rows.js';
import { badge, facts, paged, searchField, section } from './ui.js';

export async function client(key) {
  const it = await data(path('api/v2/clients/{}', key));
  let q = '';
  const mine = { user: it.user, clientID: it.clientID || it.runID };
  const load = (page) => data('api/v2/proxies', { ...page, ...mine, q });
  const table = paged('Proxies of this client', load, proxyRow, 'No such proxy.');
  const search = (text) => {
    q = text;
    table.again(true);
  };
  await table.again();
  const about = facts([
    ['Host name', it.hostname],
    ['Address', it.clientIP],
    ['Version', it.version],
    ['Wire protocol', it.wireProtocol],
    ['Run id', it.runID],
    ['Connections', String(it.status.curConns)],
    ['Proxies', String(it.status.proxyCount)],
    ['First connected', clock(it.firstConnectedAt)],
    it.online
      ? ['Connected', clock(it.lastConnectedAt)]
      : ['Disconnected', clock(it.disconnectedAt)],
  ]);
  const body = [
    h('div.row', {}, badge(it.online ? 'online' : 'offline')),
    section('Client', about),
    section('Proxies', h('div.row', {}, searchField('Search proxies', search)), table.element),
  ];
  return { title: clientName(it), body };
}
