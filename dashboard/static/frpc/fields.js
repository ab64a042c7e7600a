// What a proxy and a visitor can be told, as the form shows it.
//
// A field is `[key, label, kind, more]`: the key is its path in the configuration, the kind one of
// `text`, `secret`, `number`, `flag`, `list` (one item a line), `map` (one `key=value` a line) and
// `choice`, and `more` has a hint, the choices, or whether the field must be filled.

const must = { required: true };
const choice = (...choices) => ({ choices });

const base = [['name', 'Name', 'text', must], ['enabled', 'Enabled', 'flag', { initial: true }]];

const local = [
  ['localIP', 'Local address', 'text', { hint: '127.0.0.1 if empty' }],
  ['localPort', 'Local port', 'number'],
];

const remote = ['Public side', [['remotePort', 'Remote port', 'number', { hint: '0: the server picks one' }]]];

const domains = [
  ['customDomains', 'Domains', 'list'],
  ['subdomain', 'Subdomain', 'text'],
];

const login = [
  ['httpUser', 'User', 'text'],
  ['httpPassword', 'Password', 'secret'],
  ['routeByHTTPUser', 'Only for this user', 'text'],
];

const secret = [
  'Who may connect',
  [
    ['secretKey', 'Secret key', 'secret'],
    ['allowUsers', 'Allowed users', 'list', { hint: '* for any; your own user if empty' }],
  ],
];

const punching = [
  'NAT traversal',
  [['natTraversal.disableAssistedAddrs', 'Do not tell local addresses', 'flag']],
];

const special = {
  tcp: [remote],
  udp: [remote],
  http: [
    [
      'Public side',
      [
        ...domains,
        ['locations', 'Locations', 'list', { hint: 'such as /api' }],
        ...login,
        ['hostHeaderRewrite', 'Host header to the service', 'text'],
        ['requestHeaders.set', 'Request headers', 'map'],
        ['responseHeaders.set', 'Response headers', 'map'],
      ],
    ],
  ],
  https: [['Public side', domains]],
  tcpmux: [
    ['Public side', [...domains, ...login, ['multiplexer', 'Multiplexer', 'choice', choice('httpconnect')]]],
  ],
  stcp: [secret],
  sudp: [secret],
  xtcp: [secret, punching],
};

const upstream = [
  ['plugin.localAddr', 'Local address', 'text', { ...must, hint: 'host:port' }],
  ['plugin.hostHeaderRewrite', 'Host header to the service', 'text'],
  ['plugin.requestHeaders.set', 'Request headers', 'map'],
];
const certificate = [
  ['plugin.crtPath', 'Certificate file', 'text'],
  ['plugin.keyPath', 'Key file', 'text'],
];
const http2 = ['plugin.enableHTTP2', 'HTTP/2', 'flag', { initial: true }];
const password = [
  ['plugin.httpUser', 'User', 'text'],
  ['plugin.httpPassword', 'Password', 'secret'],
];

/** What each client plugin can be told. */
export const plugins = {
  http_proxy: password,
  socks5: [
    ['plugin.username', 'User', 'text'],
    ['plugin.password', 'Password', 'secret'],
  ],
  static_file: [
    ['plugin.localPath', 'Folder', 'text', must],
    ['plugin.stripPrefix', 'Strip this prefix', 'text'],
    ...password,
  ],
  unix_domain_socket: [['plugin.unixPath', 'Socket', 'text', must]],
  http2http: upstream,
  http2https: upstream,
  https2http: [...upstream, http2, ...certificate],
  https2https: [...upstream, http2, ...certificate],
  tls2raw: [['plugin.localAddr', 'Local address', 'text', must], ...certificate],
  virtual_net: [],
};

const carriage = [
  ['transport.useEncryption', 'Encrypt', 'flag'],
  ['transport.useCompression', 'Compress', 'flag'],
];

const more = [
  [
    'Transport',
    [
      ...carriage,
      ['transport.bandwidthLimit', 'Bandwidth limit', 'text', { hint: 'such as 1MB or 500KB' }],
      ['transport.bandwidthLimitMode', 'Limited at', 'choice', choice('', 'client', 'server')],
      ['transport.proxyProtocolVersion', 'PROXY protocol', 'choice', choice('', 'v1', 'v2')],
    ],
  ],
  [
    'Health check',
    [
      ['healthCheck.type', 'Type', 'choice', choice('', 'tcp', 'http')],
      ['healthCheck.path', 'Path', 'text', { hint: 'for http' }],
      ['healthCheck.timeoutSeconds', 'Time limit in seconds', 'number'],
      ['healthCheck.maxFailed', 'Failures until it counts', 'number'],
      ['healthCheck.intervalSeconds', 'Seconds between checks', 'number'],
    ],
  ],
  [
    'Load balancer',
    [
      ['loadBalancer.group', 'Group', 'text'],
      ['loadBalancer.groupKey', 'Group key', 'secret'],
    ],
  ],
  ['Notes', [['metadatas', 'Metadata', 'map'], ['annotations', 'Annotations', 'map']]],
];

/** The types a proxy can have. */
export const proxyTypes = Object.keys(special);
/** The types a visitor can have. */
export const visitorTypes = ['stcp', 'sudp', 'xtcp'];

/** The parts of the form of a proxy; `plugin` is the type of its plugin, empty for none. */
export function proxyParts(type, plugin) {
  const service = plugin ? plugins[plugin] : local;
  return [['Proxy', base], ['Service', service], ...special[type], ...more];
}

/** The parts of the form of a visitor. */
export function visitorParts(type) {
  const parts = [
    ['Visitor', base],
    [
      'Service',
      [
        ['serverName', 'Proxy to visit', 'text', must],
        ['serverUser', 'Its user', 'text', { hint: 'your own if empty' }],
        ['secretKey', 'Secret key', 'secret'],
      ],
    ],
    [
      'Here',
      [
        ['bindAddr', 'Address', 'text', { hint: '127.0.0.1 if empty' }],
        ['bindPort', 'Port', 'number', { ...must, hint: '-1: none of its own' }],
      ],
    ],
    ['Transport', carriage],
  ];
  if (type === 'xtcp') {
    parts.push(
      [
        'Tunnel',
        [
          ['protocol', 'Protocol', 'choice', choice('', 'quic', 'kcp')],
          ['keepTunnelOpen', 'Keep it open', 'flag'],
          ['maxRetriesAnHour', 'Tries an hour', 'number'],
          ['minRetryInterval', 'Seconds between tries', 'number'],
          ['fallbackTo', 'Else through this visitor', 'text'],
          ['fallbackTimeoutMs', 'After milliseconds', 'number'],
        ],
      ],
      punching,
    );
  }
  return parts;
}
