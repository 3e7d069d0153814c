// How numbers are written.

const grouped = new Intl.NumberFormat('en');

export const step = (value) => grouped.format(value);

export function percent(p) {
  if (!Number.isFinite(p)) return '–';
  if (p > 0.99 && p < 1) return '>99 %';
  if (p < 0.01 && p > 0) return '<1 %';
  return `${Math.round(100 * p)} %`;
}

export function number(value) {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+∞' : '−∞';
  const size = Math.abs(value);
  const text = size === 0 ? '0' : size >= 1000 || size < 0.001 ? size.toExponential(1) : size.toPrecision(3);
  return (value < 0 ? '−' : '') + text;
}

export const epoch = (value) => (value === null || value === undefined ? '' : ` · epoch ${Number(value.toFixed(2))}`);
