// The parts of the program and who may import whom: the table that docs/architecture.md shows and
// that test/unit/architecture.test.ts holds the sources to.
import { targetUnit, unitOf } from './imports.mjs';

/**
 * In the order of the dependencies: a unit imports only units above it, and exactly those named.
 * Everything in core may import `core/base`, file by file, and `core/options`.
 */
export const units = {
  native: { what: 'tensors, layers, optimizers: the C++ addon and its types', imports: [] },
  'core/base': { what: 'errors, files, random numbers, devices', imports: ['native'] },
  'core/options': { what: 'every option once: type, range, default, help', imports: [] },
  'core/dataset': { what: 'folders and tables → samples, splits, corrections', imports: [] },
  'core/image': { what: 'a file → uint8 RGB; augmented views', imports: ['native'] },
  'core/page': { what: 'what HTML pages and plots share', imports: ['core/image'] },
  'core/check': {
    what: 'what is wrong with a folder, as a report and a page',
    imports: ['core/dataset', 'core/image', 'core/page'],
  },
  'core/sample': { what: 'the drawn traffic lights', imports: ['native', 'core/image'] },
  'core/evaluate': { what: 'metrics, calibration, confusion', imports: [] },
  'core/onnx': { what: 'ONNX graphs: read, adapt, append, quantize, plan', imports: ['native'] },
  'core/weights': {
    what: 'weights of backbones: files, downloads, the manifest',
    imports: ['native', 'core/onnx'],
  },
  'core/backbone': {
    what: 'images → features, by an ONNX file',
    imports: ['native', 'core/onnx', 'core/weights'],
  },
  'core/features': {
    what: 'the cache, feature files, extraction',
    imports: ['native', 'core/dataset', 'core/image', 'core/backbone'],
  },
  'core/head': { what: 'layers as data, training, weights', imports: ['native', 'core/features'] },
  'core/run': {
    what: 'the run folder and its report',
    imports: [
      'core/dataset',
      'core/image',
      'core/page',
      'core/evaluate',
      'core/onnx',
      'core/weights',
      'core/backbone',
      'core/features',
      'core/head',
    ],
  },
  'core/train': {
    what: 'data → features → head → a run',
    imports: [
      'core/dataset',
      'core/image',
      'core/evaluate',
      'core/backbone',
      'core/features',
      'core/head',
      'core/run',
    ],
  },
  'core/classify': {
    what: 'a run → labels of new images, why, and how good they are',
    imports: [
      'core/dataset',
      'core/image',
      'core/evaluate',
      'core/onnx',
      'core/backbone',
      'core/features',
      'core/head',
      'core/run',
    ],
  },
  'core/experiments': {
    what: 'many heads at once: folds, search, suspicious labels',
    imports: [
      'native',
      'core/dataset',
      'core/page',
      'core/evaluate',
      'core/features',
      'core/head',
      'core/run',
      'core/train',
    ],
  },
  'core/machine': {
    what: 'what this computer has; the GPU’s libraries',
    imports: ['core/features', 'native', 'core/image', 'core/onnx', 'core/backbone'],
  },
  core: {
    what: 'the library’s public face',
    imports: [
      'native',
      'core/base',
      'core/options',
      'core/dataset',
      'core/image',
      'core/check',
      'core/sample',
      'core/evaluate',
      'core/onnx',
      'core/backbone',
      'core/features',
      'core/head',
      'core/run',
      'core/train',
      'core/classify',
      'core/experiments',
      'core/machine',
      'core/page',
    ],
  },
  'cli/base': { what: 'options, progress, tables, exit codes', imports: ['core'] },
  'cli/completion': { what: 'completion scripts of shells', imports: ['cli/base'] },
  'cli/serve': { what: 'the local server and its page', imports: ['core', 'cli/base'] },
  'cli/commands': {
    what: 'one file per command',
    imports: ['core', 'cli/base', 'cli/completion', 'cli/serve'],
  },
  cli: { what: 'the program `headstart`', imports: ['cli/base', 'cli/commands'] },
};

/** What everything in core may import. */
const common = ['core/base', 'core/options'];

const allowed = (from) => {
  const { imports } = units[from];
  const place = from.startsWith('core') ? common.indexOf(from) : 0;
  return [...imports, ...(place < 0 ? common : common.slice(0, place))];
};

/**
 * What in the imports breaks the rules, one sentence each; none where all is well.
 *
 * @param {import('./imports.mjs').Import[]} imports
 */
export function violations(imports) {
  const found = new Set([...unknownUnits(imports), ...wrongImports(imports)]);
  for (const cycle of fileCycles(imports)) found.add(`cycle: ${cycle.join(' → ')}`);
  return [...found, ...unusedEdges(imports), ...wrongOrder()];
}

function unknownUnits(imports) {
  const all = imports.flatMap((one) => [unitOf(one.file), targetUnit(one)]);
  return all
    .filter((unit) => unit !== undefined && !Object.hasOwn(units, unit))
    .map((unit) => `${unit} is not in the table of scripts/docs/architecture.mjs`);
}

function wrongImports(imports) {
  return imports.flatMap((one) => {
    const from = unitOf(one.file);
    const to = targetUnit(one);
    if (to === undefined || to === from || !units[from] || !units[to]) return [];
    if (!allowed(from).includes(to)) {
      return [`${one.file} imports ${one.specifier}: ${from} may not import ${to}`];
    }
    const deep = one.target && isFolder(to) && !one.target.endsWith(`${to.split('/')[1]}/index.ts`);
    return deep ? [`${one.file} imports ${one.specifier}, past the index.ts of ${to}`] : [];
  });
}

const isFolder = (unit) => unit.startsWith('core/') && unit !== 'core/base';

/** What the picture shows and no file does. */
function unusedEdges(imports) {
  const used = new Set(imports.map((one) => `${unitOf(one.file)} ${targetUnit(one)}`));
  return Object.entries(units).flatMap(([from, { imports: listed }]) =>
    listed
      .filter((to) => !used.has(`${from} ${to}`))
      .map((to) => `${from} does not import ${to}: take it out of the table`),
  );
}

/** The table's own order: nothing imports what comes after it, so that units have no cycle. */
function wrongOrder() {
  const names = Object.keys(units);
  return names.flatMap((from, place) =>
    units[from].imports
      .filter((to) => names.indexOf(to) >= place)
      .map((to) => `${from} comes before ${to} in the table and imports it`),
  );
}

/** Files that import each other in a ring, be it for types alone. */
export function fileCycles(imports) {
  const edges = new Map();
  for (const { file, target } of imports) {
    if (target) edges.set(file, [...(edges.get(file) ?? []), target]);
  }
  const cycles = [];
  const done = new Set();
  const visit = (file, path) => {
    const place = path.indexOf(file);
    if (place >= 0) cycles.push([...path.slice(place), file]);
    if (place >= 0 || done.has(file)) return;
    for (const target of edges.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return cycles;
}

/** The imports of a unit that do not follow from those of another of its imports. */
function direct(from) {
  const reaches = (unit, to) =>
    units[unit].imports.some((next) => next === to || reaches(next, to));
  const { imports } = units[from];
  return imports.filter((to) => !imports.some((other) => other !== to && reaches(other, to)));
}

const identifier = (unit) => unit.replace('/', '_');

/** The picture, as a Mermaid diagram of what each unit imports directly. */
export function diagram() {
  const drawn = Object.keys(units).filter((unit) => !unit.endsWith('/base'));
  const group = (name) => drawn.filter((unit) => unit.split('/')[0] === name);
  const box = (unit) => `    ${identifier(unit)}["${unit}"]`;
  const arrows = (unit) =>
    direct(unit)
      .filter((to) => drawn.includes(to))
      .map((to) => `  ${identifier(unit)} --> ${identifier(to)}`);
  return [
    'flowchart TD',
    ...['cli', 'core', 'native'].flatMap((name) => [
      `  subgraph packages_${name}["packages/${name}"]`,
      ...group(name).map(box),
      '  end',
    ]),
    ...drawn.toReversed().flatMap(arrows),
  ].join('\n');
}

/** All imports, as a Markdown table. */
export function importTable() {
  const rows = Object.entries(units).map(([unit, { what, imports }]) => {
    const list = imports.length > 0 ? imports.map((to) => `\`${to}\``).join(', ') : '–';
    return `| \`${unit}\` | ${what} | ${list} |`;
  });
  return ['| part | what it is | imports |', '|---|---|---|', ...rows].join('\n');
}
