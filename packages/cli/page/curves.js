const space = 'http://www.w3.org/2000/svg';
const [width, height] = [420, 210];
const edge = { left: 44, right: 12, top: 12, bottom: 26 };

function shape(tag, attributes, text) {
  const element = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/**
 * Draws two curves over epochs.
 *
 * @param {Element} place
 * @param {{ epochs: number, validation: number[], training: number[], from: number, to: number,
 *   format: (value: number) => string, label: string }} options
 */
export function drawCurves(place, options) {
  const { epochs, validation, training, from, to, format, label } = options;
  const x = (i) => edge.left + ((width - edge.left - edge.right) * i) / Math.max(1, epochs - 1);
  const y = (value) =>
    height - edge.bottom - ((height - edge.top - edge.bottom) * (value - from)) / (to - from || 1);
  const svg = shape('svg', {
    class: 'chart',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': label,
  });
  for (const share of [0, 0.5, 1]) {
    const value = from + (to - from) * share;
    const at = y(value);
    svg.append(
      shape('line', { class: 'grid', x1: edge.left, x2: width - edge.right, y1: at, y2: at }),
      shape('text', { x: edge.left - 6, y: at + 4, 'text-anchor': 'end' }, format(value)),
    );
  }
  for (const epoch of new Set([1, epochs])) {
    const attributes = {
      x: x(epoch - 1),
      y: height - 7,
      'text-anchor': epoch === 1 ? 'start' : 'end',
    };
    svg.append(shape('text', attributes, epoch === 1 ? 'epoch 1' : String(epoch)));
  }
  for (const [name, values] of [
    ['training', training],
    ['validation', validation],
  ]) {
    const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`);
    svg.append(shape('polyline', { class: `line ${name}`, points: points.join(' ') }));
    const last = values.length - 1;
    if (last >= 0)
      svg.append(shape('circle', { class: name, cx: x(last), cy: y(values[last]), r: 4 }));
  }
  place.replaceChildren(svg);
}
