import {
  askJson,
  byId,
  classChoice,
  complain,
  make,
  percent,
  plural,
  postJson,
  say,
} from './dom.js';

const perPage = 12;

/**
 * Shows what the run got wrong, and takes corrections.
 *
 * @param {{ run: () => any, onCorrected: (count: number) => void }} page
 */
export function setUpMistakes(page) {
  byId('more').addEventListener('click', () => showMore(page).catch(complain));
}

/** Shows the mistakes of the run from the start, in the place of those of the run before. */
export async function showMistakes(page) {
  const first = await mistakesFrom(0, page);
  byId('mistake-list').replaceChildren(...first.cards);
  showTotal(first, page);
}

async function showMore(page) {
  const list = byId('mistake-list');
  const more = await mistakesFrom(list.children.length, page);
  list.append(...more.cards);
  more.cards[0]?.querySelector('select, button')?.focus();
  showTotal(more, page);
}

async function mistakesFrom(offset, page) {
  const { run, total, images, mistakes } = await askJson(
    `/api/mistakes?offset=${offset}&limit=${perPage}`,
  );
  return {
    total,
    images,
    cards: mistakes.map((mistake) => card({ ...mistake, run }, images, page)),
  };
}

function showTotal({ total, images }, page) {
  byId('more').hidden = byId('mistake-list').children.length >= total;
  byId('mistakes-lead').textContent = leadOf(total, images, page.run());
}

function leadOf(total, images, run) {
  const of = plural(run.validation_images, 'validation image');
  if (total === 0) return `None: the run is right about all of its ${of}.`;
  const what = `Of ${of} the run is wrong about ${total}; those it is surest of come first.`;
  if (!images) return `${what} The images are not here: name their folder with --data.`;
  return `${what} Where the label is what is wrong, correct it: it is written to the run’s corrections.csv, and no image is touched.`;
}

/** An index is a place in one run's list, which must still be the one that is served. */
function pathOf({ index, run }, part = '') {
  return `/api/images/${index}${part}?run=${encodeURIComponent(run)}`;
}

function card(mistake, images, page) {
  const { file, label, predicted, probability } = mistake;
  const picture = make('div', { class: 'picture' });
  if (images) {
    const image = make('img', { src: pathOf(mistake), alt: file, loading: 'lazy' });
    image.addEventListener('error', () =>
      image.replaceWith(make('p', { class: 'hint' }, 'cannot be shown')),
    );
    picture.append(image);
  }
  const body = make(
    'div',
    { class: 'mistake-body' },
    make('p', { class: 'file', title: file }, file),
    make(
      'dl',
      {},
      make('dt', {}, 'labelled'),
      make('dd', {}, label),
      make('dt', {}, 'seen as'),
      make('dd', {}, `${predicted} (${percent(probability)})`),
    ),
  );
  const element = make('li', { class: 'card mistake' }, picture, body);
  if (!images) return element;
  const state = make('p', { class: 'done', hidden: true });
  body.append(
    choices(mistake, page, (text) => mark(element, state, text)),
    state,
  );
  const { correction } = mistake;
  if (correction) mark(element, state, wordsOf(correction.action, correction.label));
  return element;
}

function mark(element, state, text) {
  element.classList.add('corrected');
  state.textContent = text;
  state.hidden = false;
}

/** The right class, or that the label is right, or that the image is of no use. */
function choices(mistake, page, mark) {
  const { index, file, label, predicted, correction } = mistake;
  const id = `right-${index}`;
  const choice = classChoice(id, page.run().classes, correction?.label || predicted);
  const correct = async (action) => {
    try {
      const document = action === 'relabel' ? { action, label: choice.value } : { action };
      const { corrections } = await postJson(pathOf(mistake, '/correction'), document);
      const text = wordsOf(action, choice.value);
      mark(text);
      say(`${file}: ${text}`);
      page.onCorrected(corrections);
    } catch (error) {
      complain(error);
    }
  };
  const button = (text, action, title) =>
    make('button', { type: 'button', class: 'small', title, onclick: () => correct(action) }, text);
  return make(
    'div',
    { class: 'choices' },
    make('label', { for: id }, 'It is'),
    make('div', { class: 'pair' }, choice, button('Correct', 'relabel', `Correct ${file}`)),
    make(
      'div',
      { class: 'pair' },
      button('Keep label', 'keep', `${label} is right for ${file}`),
      button('Leave out', 'remove', `Train without ${file}`),
    ),
  );
}

function wordsOf(action, label) {
  if (action === 'relabel') return `✓ Corrected: ${label}`;
  if (action === 'remove-from-training') return '✓ Left out of training';
  return action === 'remove' ? '✓ Left out' : '✓ Label confirmed';
}
