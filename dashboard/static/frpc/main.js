// The dashboard of frpc.

import { config } from './config.js';
import { overview } from './overview.js';
import { createProxy, createVisitor, editProxy, editVisitor } from './edit.js';
import { proxies } from './proxies.js';
import { proxy, visitor } from './detail.js';
import { shell } from './shell.js';
import { visitors } from './visitors.js';

shell(
  'frpc',
  'Client',
  [
    ['#/', 'Overview'],
    ['#/proxies', 'Proxies'],
    ['#/visitors', 'Visitors'],
    ['#/config', 'Configuration'],
  ],
  [
    ['#/', overview],
    ['#/proxies', proxies],
    ['#/proxies/create', createProxy],
    ['#/proxies/detail/{}', proxy],
    ['#/proxies/{}/edit', editProxy],
    ['#/visitors', visitors],
    ['#/visitors/create', createVisitor],
    ['#/visitors/detail/{}', visitor],
    ['#/visitors/{}/edit', editVisitor],
    ['#/config', config],
  ],
);
