// The first page: the session with the server and what flows through it.

import { flow } from './chart.js';
import { fill, h } from './dom.js';
import { bytes, millis } from './format.js';
import { live } from './live.js';
import { badge, facts, figure, section } from './ui.js';

export function overview(signal) {
  const figures = h('dl.figures');
  const session = h('div', {}, h('p.none', {}, 'Waiting for the first figures …'));
  const chart = flow();
  const line = h('span', { role: 'status' });
  live(
    signal,
    (now) => {
      fill(figures, totals(now));
      fill(session, about(now));
      chart.push(now.inPerSecond, now.outPerSecond);
    },
    (up) => fill(line, badge(up ? 'online' : 'offline')),
  );
  const body = [
    figures,
    section('Throughput', h('div.row', {}, line, h('span.hint', {}, 'the last minute')), chart.element),
    section('Session', session),
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

function about(now) {
  return facts([
    ['State', now.connected ? 'connected' : 'not connected'],
    ['Server', now.server],
    ['Transport', now.transport],
    ['Run id', now.runID],
  ]);
}
