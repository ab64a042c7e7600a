// Charts drawn as SVG, each with its figures as a table for those who cannot see it.

import { fill, h } from './dom.js';
import { bytes, rate } from './format.js';

const WIDTH = 900;
const HEIGHT = 170;
const FOOT = 18;

/** A table that only screen readers meet. */
function table(caption, heads, lines) {
  return h(
    'table.unseen',
    {},
    h('caption', {}, caption),
    h('tr', {}, heads.map((text) => h('th', { scope: 'col' }, text))),
    lines.map((cells) => h('tr', {}, cells.map((text) => h('td', {}, text)))),
  );
}

/** What the colours of a chart mean. */
function legend(...names) {
  return h('p.legend', { 'aria-hidden': 'true' }, names.map((name, at) => h(`span.series${at}`, {}, name)));
}

/** The line that a chart stands on. */
const ground = (y) => h('line.ground', { x1: 0, x2: WIDTH, y1: y, y2: y });

/** Traffic by day: `days` are `{date, trafficIn, trafficOut}`, the oldest first. */
export function days(history) {
  const top = Math.max(1024, ...history.flatMap((day) => [day.trafficIn, day.trafficOut]));
  const room = HEIGHT - FOOT;
  const step = WIDTH / history.length;
  const bar = (value, x, series) => {
    const height = (value / top) * (room - 16);
    return h(`rect.fill${series}`, { x, y: room - height, width: step * 0.32, height, rx: 2 });
  };
  const columns = history.map((day, at) => {
    const x = at * step;
    return h(
      'g',
      {},
      h('title', {}, `${day.date}: ${bytes(day.trafficIn)} in, ${bytes(day.trafficOut)} out`),
      bar(day.trafficIn, x + step * 0.16, 0),
      bar(day.trafficOut, x + step * 0.52, 1),
      h('text', { x: x + step / 2, y: HEIGHT - 4, 'text-anchor': 'middle' }, day.date.slice(5)),
    );
  });
  return h(
    'figure',
    {},
    h(
      'svg.chart',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' },
      ground(room),
      h('text', { x: 0, y: 11 }, bytes(top)),
      columns,
    ),
    legend('in', 'out'),
    table(
      'Traffic by day',
      ['day', 'in', 'out'],
      history.map((day) => [day.date, bytes(day.trafficIn), bytes(day.trafficOut)]),
    ),
  );
}

/** Seconds that the live chart looks back. */
const SPAN = 60;

/** A chart of what flows now; `push(in, out)` adds one second in bytes a second. */
export function flow() {
  const past = [];
  const svg = h('svg.chart', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' });
  const now = h('p.now', {});
  const line = (top, series) => {
    const step = WIDTH / (SPAN - 1);
    const start = SPAN - past.length;
    const points = past.map((pair, at) => {
      const y = HEIGHT - 4 - (pair[series] / top) * (HEIGHT - 22);
      return `${((start + at) * step).toFixed(1)} ${y.toFixed(1)}`;
    });
    return h(`path.stroke${series}`, { d: `M${points.join('L')}`, fill: 'none' });
  };
  const push = (inward, outward) => {
    past.push([inward, outward]);
    if (past.length > SPAN) past.shift();
    const top = Math.max(1024, ...past.flat());
    fill(svg, ground(HEIGHT - 4), line(top, 0), line(top, 1), h('text', { x: 0, y: 11 }, rate(top)));
    fill(now, h('span.series0', {}, `in ${rate(inward)}`), h('span.series1', {}, `out ${rate(outward)}`));
  };
  return { element: h('figure', {}, svg, now), push };
}
