// Figures and times as people read them.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A number of bytes, in three figures. */
export function bytes(count) {
  let value = Number(count) || 0;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Bytes in a second. */
export const rate = (perSecond) => `${bytes(perSecond)}/s`;

/** Milliseconds, in three figures. */
export function millis(value) {
  if (value === null || value === undefined) return '–';
  return value >= 100 ? `${Math.round(value)} ms` : `${Number(value).toPrecision(3)} ms`;
}

const STEPS = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [Infinity, 'day'],
];
const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** How long ago a time (seconds since 1970) was. */
export function ago(time) {
  let span = Math.max(0, Date.now() / 1000 - time);
  for (const [size, unit] of STEPS) {
    if (span < size) return words.format(-Math.floor(span), unit);
    span /= size;
  }
  return '';
}

/** A time (seconds since 1970) by the viewer's clock. */
export function clock(time) {
  return time ? new Date(time * 1000).toLocaleString() : '–';
}

/** A list of words as one text; a dash for none. */
export const list = (items) => (items?.length ? items.join(', ') : '–');
