// The first page: what the server carries now, and how it is set.

import { data } from './api.js';
import { flow } from './chart.js';
import { fill, h } from './dom.js';
import { bytes, millis } from './format.js';
import { live } from './live.js';
import { badge, facts, figure, rows, section } from './ui.js';

export async function overview(signal) {
  const info = await data('api/v2/system/info');
  const figures = h('dl.figures');
  const chart = flow();
  const line = h('span', { role: 'status' });
  const busy = h('div');
  const show = (status) => fill(figures, totals(status));
  show(info.status);
  live(
    signal,
    (now) => {
      show({ ...info.status, ...now });
      chart.push(now.inPerSecond, now.outPerSecond);
      fill(busy, sessions(now.clients));
    },
    (up) => fill(line, badge(up ? 'online' : 'offline')),
  );
  const body = [
    figures,
    section('Throughput', h('div.row', {}, line, h('span.hint', {}, 'the last minute')), chart.element),
    section('Sessions', busy),
    section('Proxy types', types(info.status.proxyTypeCount)),
    section('Configuration', configuration(info)),
  ];
  return { title: 'Overview', body };
}

function totals(status) {
  const count = Object.values(status.proxyTypeCount ?? {}).reduce((sum, n) => sum + n, 0);
  return [
    figure('Clients', status.clientCounts, '#/clients'),
    figure('Proxies', status.proxyCounts ?? count, '#/proxies'),
    figure('Connections', status.curConns),
    figure('Pooled', status.pool ?? '–'),
    figure('In today', bytes(status.totalTrafficIn)),
    figure('Out today', bytes(status.totalTrafficOut)),
  ];
}

/** The sessions with the slowest or busiest line first. */
function sessions(clients) {
  const row = (client) => [
    h('div.what', {}, h('a', { href: `#/clients/${encodeURIComponent(client.key)}` }, client.key)),
    badge(client.transport),
    h('span.amount', {}, `round trip ${millis(client.rttMs)}`),
    h('span.amount', {}, `${client.curConns} connections`),
    h('span.amount', {}, `${client.pool} pooled`),
  ];
  return rows('Sessions', clients, row, 'No client is connected.');
}

function types(counts) {
  const used = Object.entries(counts ?? {}).filter(([, count]) => count > 0);
  if (used.length === 0) return h('p.none', {}, 'No proxy is open.');
  return h('dl.figures', {}, used.map(([type, count]) => figure(type, count, `#/proxies/${type}`)));
}

function configuration({ version, config }) {
  const port = (number) => (number ? String(number) : '');
  return facts([
    ['Version', version],
    ['Port', port(config.bindPort)],
    ['KCP port', port(config.kcpBindPort)],
    ['QUIC port', port(config.quicBindPort)],
    ['HTTP port', port(config.vhostHTTPPort)],
    ['HTTPS port', port(config.vhostHTTPSPort)],
    ['tcpmux port', port(config.tcpmuxHTTPConnectPort)],
    ['Subdomain host', config.subdomainHost],
    ['Pool, at most', String(config.maxPoolCount)],
    ['Ports a client', config.maxPortsPerClient ? String(config.maxPortsPerClient) : 'no limit'],
    ['Allowed ports', config.allowPortsStr],
    ['TLS only', config.tlsForce ? 'yes' : 'no'],
    ['Heartbeat timeout', config.heartbeatTimeout > 0 ? `${config.heartbeatTimeout} s` : 'off'],
  ]);
}
