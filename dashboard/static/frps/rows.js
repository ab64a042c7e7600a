// How a client and a proxy stand in a list.

import { h } from './dom.js';
import { ago, bytes } from './format.js';
import { badge } from './ui.js';

/** What a client is called: by its user and id, else by its run id. */
export const clientName = (client) =>
  [client.user, client.clientID || client.runID].filter(Boolean).join('.') || client.key;

/** The address of a client's page. */
export const clientHash = (key) => `#/clients/${encodeURIComponent(key)}`;

/** A client in a list. */
export function clientRow(client) {
  const since = client.online ? client.lastConnectedAt : client.disconnectedAt;
  const about = [client.hostname, client.clientIP, client.version, client.wireProtocol];
  return [
    h(
      'div.what',
      {},
      h('a', { href: clientHash(client.key) }, clientName(client)),
      h('p', {}, about.filter(Boolean).join(' · ')),
    ),
    h('span.amount', {}, since ? ago(since) : ''),
    badge(client.online ? 'online' : 'offline'),
  ];
}

/** Where users find a proxy: its port or its host names. */
export function place(spec) {
  const detail = spec[spec.type] ?? {};
  if (detail.remotePort) return `port ${detail.remotePort}`;
  return [...(detail.customDomains ?? []), detail.subdomain].filter(Boolean).join(', ');
}

/** A proxy in a list. */
export function proxyRow(proxy) {
  const { status } = proxy;
  const about = [proxy.spec.type, place(proxy.spec)].filter(Boolean).join(' · ');
  return [
    h(
      'div.what',
      {},
      h('a', { href: `#/proxy/${encodeURIComponent(proxy.name)}` }, proxy.name),
      h('p', {}, about),
    ),
    h('span.amount', {}, `${status.curConns} connections`),
    h('span.amount', {}, `in ${bytes(status.todayTrafficIn)} · out ${bytes(status.todayTrafficOut)}`),
    badge(status.phase),
  ];
}
