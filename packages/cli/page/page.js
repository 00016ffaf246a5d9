import { labelAgain, setUpClassify } from './classify.js';
import { askJson, byId, complain, make, percent } from './dom.js';
import { setUpMistakes, showMistakes } from './mistakes.js';
import { setUpTraining, showTrainLead } from './training.js';

/** What the server says of its run, and what was added to the data since. */
let run;
let added = 0;

const page = {
  run: () => run,
  onAdded: () => {
    added++;
    showTrainLead(run, added);
  },
  onCorrected: (count) => {
    run = { ...run, corrections: count };
    showTrainLead(run, added);
  },
  onServed: async () => {
    const before = run.run;
    await showRun();
    if (run.run === before) return;
    added = 0;
    showTrainLead(run, added);
    await Promise.all([labelAgain(page), showMistakes(page)]);
  },
};

async function showRun() {
  run = await askJson('/api/run');
  document.title = `${run.run} · Headstart`;
  byId('run-name').textContent = run.run;
  byId('untrained').hidden = !run.untrained;
  const [low, high] = run.interval;
  const facts = [
    ['Validation accuracy', percent(run.accuracy), ` ${percent(low)} to ${percent(high)}`],
    ['Classes', run.classes.length > 8 ? String(run.classes.length) : run.classes.join(', ')],
    ['Backbone', run.backbone ?? 'unknown'],
    [
      'Trained',
      new Date(run.created).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }),
    ],
  ];
  byId('facts').replaceChildren(
    ...facts.map(([name, value, more = '']) =>
      make('div', {}, make('dt', {}, name), make('dd', {}, value, make('span', {}, more))),
    ),
  );
  const megabytes = Math.floor(run.max_body_bytes / 1024 ** 2);
  byId('limits').textContent = `JPEG, PNG, WebP, GIF, TIFF or AVIF, up to ${megabytes} MB each`;
  for (const element of [
    byId('mistakes'),
    byId('train'),
    ...document.querySelectorAll('[data-edits]'),
  ]) {
    element.hidden = !run.edits;
  }
  showTrainLead(run, added);
  if (run.why_no_training !== null) {
    byId('start').disabled = true;
    byId('train-lead').textContent = run.why_no_training;
  }
}

try {
  await showRun();
  setUpClassify(page);
  if (run.edits) {
    setUpMistakes(page);
    await showMistakes(page);
    if (run.why_no_training === null) setUpTraining(page);
  }
  document.documentElement.dataset.ready = 'true';
} catch (error) {
  complain(error);
}
