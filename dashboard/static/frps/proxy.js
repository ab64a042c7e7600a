// One proxy: where users find it, how it is set, and what it carried.

import { data, path } from './api.js';
import { days } from './chart.js';
import { h } from './dom.js';
import { bytes, clock, list } from './format.js';
import { clientHash, place } from './rows.js';
import { badge, facts, figure, section } from './ui.js';

export async function proxy(name) {
  const [it, traffic] = await Promise.all([
    data(path('api/v2/proxies/{}', name)),
    data(path('api/v2/proxies/{}/traffic', name)),
  ]);
  const { spec, status } = it;
  const key = [it.user, it.clientID].filter(Boolean).join('.');
  const body = [
    h(
      'div.row',
      {},
      badge(status.phase),
      badge(spec.type),
      key && h('a', { href: clientHash(key) }, `client ${key}`),
    ),
    h(
      'dl.figures',
      {},
      figure('Connections', status.curConns),
      figure('In today', bytes(status.todayTrafficIn)),
      figure('Out today', bytes(status.todayTrafficOut)),
    ),
    section('Traffic of seven days', days(traffic.history)),
    section('Configuration', facts(settings(spec, status))),
  ];
  const notes = Object.entries(spec[spec.type]?.annotations ?? {});
  if (notes.length > 0) body.push(section('Annotations', facts(notes)));
  return { title: it.name, body };
}

function settings(spec, status) {
  const detail = spec[spec.type] ?? {};
  const transport = detail.transport ?? {};
  const yes = (value) => (value ? 'yes' : 'no');
  return [
    ['Place', place(spec)],
    ['Last start', clock(status.lastStartAt)],
    ['Last close', clock(status.lastCloseAt)],
    ['Encryption', yes(transport.useEncryption)],
    ['Compression', yes(transport.useCompression)],
    ['Bandwidth limit', transport.bandwidthLimit],
    ['Group', detail.loadBalancer?.group],
    ['Locations', detail.locations && list(detail.locations)],
    ['Host rewritten to', detail.hostHeaderRewrite],
    ['Multiplexer', detail.multiplexer],
    ['Routed by user', detail.routeByHTTPUser],
  ];
}
