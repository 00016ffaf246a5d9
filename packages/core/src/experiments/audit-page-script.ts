/**
 * What the audit page runs: draws a card for each of `audit.items`, takes keys and clicks, keeps
 * decisions in the browser, and offers them as corrections.csv (`hash,file,action,label`).
 */
export const auditPageScript = String.raw`
'use strict';
const cards = document.getElementById('cards');
const store = 'headstart-audit ' + audit.data + ' ' + audit.items.map(({ hash }) => hash.slice(0, 6)).join('');
let decisions = {};
let current = 0;
// What U takes back: decisions since one was gone to by hand.
let undoable = [];

try { decisions = JSON.parse(localStorage.getItem(store) ?? '{}'); } catch {}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function percent(share) { return (100 * share).toFixed(1) + ' %'; }

function why(item) {
  if (item.reason === 'duplicate') return 'like ' + item.like + ' (' + percent(item.similarity) + ')';
  if (item.reason === 'outlier') return 'like no other picture';
  return item.suggested + '? ' + percent(item.suggestedProbability) + ', ' + item.label + ' ' + percent(item.labelProbability);
}

function pictures(item) {
  const box = element('div', { className: 'pictures' });
  if (item.thumbnail) box.append(element('img', { src: item.thumbnail, alt: item.file }));
  else box.append(element('span', { textContent: 'no picture' }));
  if (item.likeThumbnail) box.append(element('img', { src: item.likeThumbnail, alt: item.like }));
  return box;
}

function card(item, i) {
  const select = element('select', { title: 'relabel' });
  select.append(element('option', { value: '', textContent: 'relabel…' }));
  for (const name of audit.classes) select.append(element('option', { value: name, textContent: name }));
  select.addEventListener('change', () => {
    if (select.value) decide(i, 'relabel', select.value);
    select.value = '';
    // Keys are for the cards again, and arrows do not choose another class.
    select.blur();
  });
  const button = (text, run) => {
    const made = element('button', { type: 'button', textContent: text });
    made.addEventListener('click', run);
    return made;
  };
  const made = element('li', { className: 'card' },
    pictures(item),
    element('div', {}, element('strong', { textContent: item.label })),
    element('div', { textContent: why(item) }),
    element('div', { className: 'file', textContent: item.file }),
    element('div', { className: 'state' }),
    element('div', {}, button('keep', () => decide(i, 'keep')), ' ', select, ' ', button('remove', () => decide(i, 'remove'))));
  made.addEventListener('click', () => { if (current !== i) undoable = []; current = i; show(); });
  return made;
}

const drawn = audit.items.map(card);
cards.append(...drawn);
const filter = document.getElementById('filter');
const visible = () => audit.items.map((_, i) => i).filter((i) => !filter.value || audit.items[i].reason === filter.value);

function show() {
  audit.items.forEach((item, i) => {
    const decision = decisions[item.hash];
    drawn[i].hidden = Boolean(filter.value) && item.reason !== filter.value;
    drawn[i].setAttribute('aria-current', String(i === current));
    drawn[i].dataset.action = decision?.action ?? '';
    drawn[i].querySelector('.state').textContent = !decision ? '' : decision.action === 'relabel' ? 'relabel: ' + decision.label : decision.action;
  });
  const hashes = new Set(audit.items.map(({ hash }) => hash));
  document.getElementById('count').textContent = Object.keys(decisions).filter((hash) => hashes.has(hash)).length + ' of ' + hashes.size + ' decided';
}

function remember() {
  try { localStorage.setItem(store, JSON.stringify(decisions)); } catch {}
  show();
}

function decide(i, action, label = '') {
  const item = audit.items[i];
  if (item.disputed && action === 'keep') [action, label] = ['relabel', item.label];
  if (!item.disputed && action === 'relabel' && label === item.label) action = 'keep';
  undoable.push({ i, hash: item.hash, before: decisions[item.hash] });
  decisions[item.hash] = { action, label: action === 'relabel' ? label : '' };
  current = i;
  remember();
}

function undo() {
  const { i, hash, before } = undoable.pop() ?? { i: current, hash: audit.items[current].hash };
  if (before) decisions[hash] = before;
  else delete decisions[hash];
  current = i;
  remember();
  drawn[i].scrollIntoView({ block: 'nearest' });
}

function go(step) {
  undoable = [];
  move(step);
}

function move(step) {
  const order = visible();
  if (order.length === 0) return;
  const place = order.indexOf(current);
  current = place < 0 ? order[0] : order[Math.min(order.length - 1, Math.max(0, place + step))];
  show();
  drawn[current].scrollIntoView({ block: 'nearest' });
}

function quoted(text) { return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text; }

function save() {
  const row = (hash, file, action, label) => [hash, quoted(file), action, quoted(label)].join(',');
  const rows = new Map(audit.earlier.map(({ hash, file, action, label }) => [hash, row(hash, file, action, label)]));
  for (const { hash, file } of audit.items) {
    const decision = decisions[hash];
    if (decision && !rows.has(hash)) rows.set(hash, row(hash, file, decision.action, decision.label));
  }
  const text = ['hash,file,action,label', ...rows.values()].join('\n') + '\n';
  const link = element('a', { href: URL.createObjectURL(new Blob([text], { type: 'text/csv' })), download: 'corrections.csv' });
  document.body.append(link);
  link.click();
  link.remove();
}

document.getElementById('save').addEventListener('click', save);
filter.addEventListener('change', () => { undoable = []; current = visible()[0] ?? 0; show(); filter.blur(); });
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLSelectElement) return;
  // What is filtered away is not decided on.
  const item = visible().includes(current) ? audit.items[current] : undefined;
  const key = event.key.toLowerCase();
  const digit = Number(key);
  if (key === 'arrowright' || key === 'arrowdown') go(1);
  else if (key === 'arrowleft' || key === 'arrowup') go(-1);
  else if (key === 's') save();
  else if (!item) return;
  else if (key === 'k') { decide(current, 'keep'); move(1); }
  else if (key === 'r') { decide(current, 'relabel', item.suggested); move(1); }
  else if (key === 'x') { decide(current, 'remove'); move(1); }
  else if (key === 'u') undo();
  else if (digit >= 1 && digit <= Math.min(9, audit.classes.length)) { decide(current, 'relabel', audit.classes[digit - 1]); move(1); }
  else return;
  event.preventDefault();
});
show();
`;
