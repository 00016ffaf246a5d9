import { openCamera } from './camera.js';
import { ask, byId, classChoice, complain, make, percent, postImage, say } from './dom.js';

/** Images in one request: results come little by little. */
const perRequest = 8;
let number = 0;

/** What is on the page, the newest first. */
let shown = [];

/** Counts the times that images are sent: an item keeps the last one's, and takes its answer alone. */
let turns = 0;

/**
 * Labels the images that are dropped, pasted, chosen or taken.
 *
 * @param {{ run: () => any, onAdded: () => void }} page `run` is what the server says of its run
 */
export function setUpClassify(page) {
  const take = (files) => void label([...files].filter(isImage), page);
  const input = byId('files');
  byId('choose').addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    take(input.files);
    input.value = '';
  });
  setUpDrop(byId('drop'), take);
  document.addEventListener('paste', (event) => {
    if (event.clipboardData?.files.length) take(event.clipboardData.files);
  });
  const camera = byId('camera');
  camera.hidden = !navigator.mediaDevices?.getUserMedia;
  camera.addEventListener('click', () => openCamera((file) => take([file])).catch(complain));
  byId('clear').addEventListener('click', () => {
    for (const image of byId('results').querySelectorAll('img')) URL.revokeObjectURL(image.src);
    byId('results').replaceChildren();
    shown = [];
    byId('results-head').hidden = true;
    byId('choose').focus();
  });
}

function isImage(file) {
  if (file.type === '' || file.type.startsWith('image/')) return true;
  complain(new Error(`${file.name} is not an image.`));
  return false;
}

/** The whole window takes what is dropped, so that a near miss does not leave the page. */
function setUpDrop(zone, take) {
  let depth = 0;
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    zone.classList.toggle('over', depth > 0);
  };
  addEventListener('dragenter', () => mark(1));
  addEventListener('dragleave', () => mark(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    mark(-depth);
    take(event.dataTransfer.files);
  });
}

async function label(files, page) {
  if (files.length === 0) return;
  const items = files.map((file) => ({ file, ...placeholder(file) }));
  byId('results-head').hidden = false;
  byId('results').prepend(...items.map(({ card }) => card));
  shown = [...items, ...shown];
  await labelItems(items, page);
}

/** Labels what is shown again: another run may see it otherwise. Each answer stays until the next. */
export async function labelAgain(page) {
  for (const { card, body } of shown) {
    card.setAttribute('aria-busy', 'true');
    body.querySelector('.answer')?.append(make('span', { class: 'again' }, ' Labelling again…'));
  }
  await labelItems(shown, page);
}

async function labelItems(items, page) {
  const turn = ++turns;
  for (const item of items) item.turn = turn;
  for (const batch of inBatches(items, page.run())) {
    const answers = await predictionsOf(batch, page).catch((error) => {
      say(error.message);
      return batch.map(() => ({ error }));
    });
    batch.forEach((item, i) => {
      if (item.turn === turn) show(item, answers[i], page);
    });
  }
}

function inBatches(items, { max_images: most, max_body_bytes: bytes }) {
  const batches = [];
  let size = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const batch = batches.at(-1);
    const fits = size + item.file.size < bytes * 0.9;
    if (batch && fits && batch.length < Math.min(most, perRequest)) {
      batch.push(item);
      size += item.file.size;
    } else {
      batches.push([item]);
      size = item.file.size;
    }
  }
  return batches;
}

/** One answer an image: a prediction, or an error. */
async function predictionsOf(batch, page) {
  const form = new FormData();
  for (const { file } of batch) form.append('image', file, file.name);
  const { classes } = page.run();
  const path = `/predict?topk=${Math.min(5, classes.length)}`;
  // One that cannot be read fails a request of its own, but not one of several.
  const answer = await ask(path, { method: 'POST', body: form });
  const { predictions } = await answer.json();
  say(
    predictions
      .map((each) =>
        each.error
          ? each.error.message
          : `${each.file}: ${each.label}, ${percent(each.probability)}`,
      )
      .join('. '),
  );
  return predictions;
}

function placeholder(file) {
  const picture = make('div', { class: 'picture' });
  const image = make('img', { src: URL.createObjectURL(file), alt: file.name });
  // Not every kind that the server reads can be shown by every browser.
  image.addEventListener('error', () =>
    image.replaceWith(make('span', { class: 'no-picture' }, 'no preview')),
  );
  picture.append(image);
  const wait = make('p', { class: 'wait' }, 'Labelling…');
  const body = make('div', { class: 'result-body' }, nameOf(file), wait);
  const card = make('li', { class: 'card result', 'aria-busy': 'true' }, picture, body);
  return { picture, body, card };
}

function nameOf({ name }) {
  return make('p', { class: 'file', title: name }, name);
}

/** Puts an answer in the place of what was said of the image before. */
function show(item, prediction, page) {
  removeHeatMap(item.picture);
  const { error } = prediction;
  const answer = error
    ? [make('p', { class: 'error' }, error.message)]
    : answerOf(item, prediction, page);
  item.body.replaceChildren(nameOf(item.file), ...answer);
  item.card.removeAttribute('aria-busy');
}

function answerOf(item, { label: best, probability, top }, page) {
  const ranking = make('ol', { class: 'ranking', 'aria-label': 'Ranked classes' });
  ranking.append(...top.map((rank) => rankRow(item, rank)));
  requestAnimationFrame(() => {
    for (const fill of ranking.querySelectorAll('.fill')) fill.style.width = fill.dataset.width;
  });
  const share = make('span', { class: 'share' }, percent(probability));
  return [
    make('p', { class: 'answer' }, `${best} `, share),
    ranking,
    make('p', { class: 'hint-small' }, 'Choose a class to see where it was found.'),
    ...(page.run().why_no_training === null ? [teachForm(item, top[0].label, page)] : []),
  ];
}

function rankRow(item, { label: name, probability }) {
  const button = make(
    'button',
    { type: 'button', class: 'rank', 'aria-pressed': 'false', title: `Heat map of ${name}` },
    make('span', { class: 'name' }, name),
    make('span', { class: 'value' }, percent(probability)),
    make(
      'span',
      { class: 'track', 'aria-hidden': 'true' },
      make('div', { class: 'fill', 'data-width': `${Math.max(0.5, probability * 100)}%` }),
    ),
  );
  button.addEventListener('click', () => toggleHeatMap(item, button, name).catch(complain));
  return make('li', {}, button);
}

async function toggleHeatMap(item, button, name) {
  const on = button.getAttribute('aria-pressed') !== 'true';
  for (const other of item.body.querySelectorAll('.rank')) {
    other.setAttribute('aria-pressed', String(on && other === button));
  }
  removeHeatMap(item.picture);
  if (!on) return;
  const tag = make('span', { class: 'tag' }, 'Heat map…');
  item.picture.append(tag);
  try {
    const answer = await postImage(`/api/explain?label=${encodeURIComponent(name)}`, item.file);
    const map = await answer.blob();
    if (!tag.isConnected) return;
    const url = URL.createObjectURL(map);
    const text = `Heat map: where ${name} was found in ${item.file.name}`;
    item.picture.append(make('img', { class: 'over-map', src: url, alt: text }));
    tag.textContent = name;
    item.picture.append(tag);
    say(text);
  } catch (error) {
    tag.remove();
    button.setAttribute('aria-pressed', 'false');
    throw error;
  }
}

function removeHeatMap(picture) {
  for (const part of picture.querySelectorAll('.over-map, .tag')) {
    if (part.src) URL.revokeObjectURL(part.src);
    part.remove();
  }
}

/** Puts the image among the training images, under the class that is chosen. */
function teachForm(item, best, page) {
  const id = `teach-${++number}`;
  const choice = classChoice(id, page.run().classes, best);
  const button = make('button', { type: 'button' }, 'Add');
  const form = make(
    'div',
    { class: 'teach' },
    make('label', { for: id }, 'Add to the training images as'),
    choice,
    button,
  );
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      const path = `/api/images?label=${encodeURIComponent(choice.value)}`;
      const { file, existed } = await (await postImage(path, item.file)).json();
      const text = existed ? `Was added before: ${file}` : `Added: ${file}`;
      form.replaceChildren(make('p', { class: 'done' }, text));
      say(text);
      page.onAdded();
    } catch (error) {
      button.disabled = false;
      complain(error);
    }
  });
  return form;
}
