// The dashboard of frps.

import { client } from './client.js';
import { clients } from './clients.js';
import { overview } from './overview.js';
import { proxies } from './proxies.js';
import { proxy } from './proxy.js';
import { shell } from './shell.js';

shell(
  'frps',
  'Server',
  [
    ['#/', 'Overview'],
    ['#/clients', 'Clients'],
    ['#/proxies', 'Proxies', '#/proxy/'],
  ],
  [
    ['#/', overview],
    ['#/clients', clients],
    ['#/clients/{}', client],
    ['#/proxies', proxies],
    ['#/proxies/{}', proxies],
    ['#/proxy/{}', proxy],
  ],
);
