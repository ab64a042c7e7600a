// The first page: the session with the server and what flows through it.

import { flow } from './chart.js';
import { fill, h } from './dom.js';
import { bytes, millis } from './format.js';
import { live } from './live.js';
import { badge, facts, figure, rows, section } from './ui.js';

export function overview(signal) {
  const figures = h('dl.figures');
  const session = h('div', {}, h('p.none', {}, 'Waiting for the first figures …'));
  const servers = h('div');
  const chart = flow();
  const line = h('span', { role: 'status' });
  live(
    signal,
    (now) => {
      fill(figures, totals(now));
      fill(session, about(now));
      fill(servers, ...each(now.servers ?? []));
      chart.push(now.inPerSecond, now.outPerSecond);
    },
    (up) => fill(line, badge(up ? 'online' : 'offline')),
  );
  const body = [
    figures,
    section('Throughput', h('div.row', {}, line, h('span.hint', {}, 'the last minute')), chart.element),
    section('Session', session),
    servers,
  ];
  return { title: 'Overview', body };
}

function totals(now) {
  return [
    figure('Proxies running', `${now.proxiesRunning} of ${now.proxies}`, '#/proxies'),
    figure('Visitors', now.visitors, '#/visitors'),
    figure('Connections', now.curConns),
    figure('Round trip', millis(now.rttMs)),
    figure('In', bytes(now.totalTrafficIn)),
    figure('Out', bytes(now.totalTrafficOut)),
  ];
}

// Only a client of several servers tells of them.
function each(servers) {
  if (servers.length === 0) return [];
  const row = (server) => {
    const told = [server.address, server.transport, millis(server.rttMs), `${server.proxiesRunning} proxies`];
    return [
      h('div.what', {}, h('b', {}, server.name), h('p', {}, told.join(' · '))),
      server.serves && badge('serves'),
      badge(server.state),
    ];
  };
  return [section('Servers', rows('Servers', servers, row, ''))];
}

function about(now) {
  return facts([
    ['State', now.connected ? 'connected' : 'not connected'],
    ['Server', now.server],
    ['Transport', [now.transport, now.transportReason].filter(Boolean).join(': ')],
    ['Run id', now.runID],
  ]);
}
