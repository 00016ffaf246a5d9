import { drawCurves } from './curves.js';
import { ask, byId, complain, percent, plural, say } from './dom.js';

/**
 * Starts and follows trainings.
 *
 * @param {{ run: () => any, onServed: () => Promise<void> }} page `onServed`: another run may be served
 */
export function setUpTraining(page) {
  byId('start').addEventListener('click', () =>
    ask('/api/training', { method: 'POST' }).catch(complain),
  );
  byId('cancel').addEventListener('click', () =>
    ask('/api/training', { method: 'DELETE' }).catch(complain),
  );
  /** The run that a training began with. */
  let before = page.run();
  let served = null;
  const events = new EventSource('/api/training/events');
  events.addEventListener('message', ({ data }) => {
    const state = JSON.parse(data);
    if (state.status === 'preparing') before = page.run();
    show(state, state.run === before.run ? undefined : before.accuracy);
    const isNew = state.run !== null && state.run !== served;
    served = state.run;
    // A run that was served and then failed is served no more.
    if (isNew || state.status === 'failed' || state.status === 'cancelled') {
      page.onServed().catch(complain);
    }
  });
}

/** Says what a training would take into account. */
export function showTrainLead({ corrections, run }, added) {
  const parts = [
    corrections > 0 ? plural(corrections, 'correction') : undefined,
    added > 0 ? plural(added, 'added image') : undefined,
  ].filter(Boolean);
  const what = parts.length > 0 ? ` with ${parts.join(' and ')}` : '';
  byId('train-lead').textContent =
    `Trains the head of ${run} again${what}, from the features that are cached. ` +
    'The new run gets a folder beside this one, which stays as it is, and is served from then on.';
}

const going = ['preparing', 'training', 'saving'];

function show(state, accuracyBefore) {
  const { status, history, epochs } = state;
  byId('start').disabled = going.includes(status);
  byId('cancel').hidden = !going.includes(status);
  const text = wordsOf(state, accuracyBefore);
  if (byId('train-status').textContent !== text) byId('train-status').textContent = text;
  if (!going.includes(status) && status !== 'idle') say(text);
  const empty = history.length === 0;
  byId('charts').hidden = empty;
  byId('legend').hidden = empty;
  if (empty) return;
  const length = going.includes(status)
    ? Math.max(Math.min(epochs, 60), history.length)
    : history.length;
  draw('accuracy-chart', 'Accuracy', history, length, ['valAccuracy', 'accuracy'], percentWhole);
  draw('loss-chart', 'Loss', history, length, ['valLoss', 'loss'], (value) => value.toPrecision(2));
}

const percentWhole = (value) => `${Math.round(value * 100)} %`;

function draw(id, what, history, epochs, [validation, training], format) {
  const values = history.flatMap((record) => [record[validation], record[training]]);
  const accuracy = what === 'Accuracy';
  const last = history.at(-1);
  drawCurves(byId(id), {
    epochs,
    validation: history.map((record) => record[validation]),
    training: history.map((record) => record[training]),
    from: accuracy ? Math.min(0.9, Math.floor(Math.min(...values) * 10) / 10) : 0,
    to: accuracy ? 1 : Math.max(...values),
    format,
    label: `${what} after ${plural(history.length, 'epoch')}: validation ${format(last[validation])}, training ${format(last[training])}`,
  });
}

function wordsOf({ status, history, run, accuracy, error, train_seconds: seconds }, before) {
  switch (status) {
    case 'preparing':
      return 'Getting the features ready…';
    case 'training':
      return `Training: epoch ${history.length}, validation accuracy ${percent(history.at(-1).valAccuracy)}`;
    case 'saving':
      return run === null
        ? 'Trained. Writing the run…'
        : `${servedWords(run, seconds, accuracy, before)} Writing its report…`;
    case 'ready':
      return servedWords(run, seconds, accuracy, before);
    case 'failed':
      return `It failed: ${error}`;
    case 'cancelled':
      return 'Cancelled. The run that was served still is.';
    default:
      return '';
  }
}

function servedWords(run, seconds, accuracy, before) {
  const than = before === undefined ? '' : ` (before: ${percent(before)})`;
  return `Trained in ${seconds.toFixed(2)} s: validation accuracy ${percent(accuracy)}${than}. ${run} is served now.`;
}
