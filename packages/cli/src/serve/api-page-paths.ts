import { answers, errorAnswers, imageBody } from './api-parts.ts';
import { ref } from './api-schemas.ts';

const index = {
  name: 'index',
  in: 'path',
  required: true,
  schema: { type: 'integer', minimum: 0 },
};
const run = {
  name: 'run',
  in: 'query',
  required: true,
  description: 'Name of the run that the index is from: 409 where another one is served by now',
  schema: { type: 'string' },
};
const whole = (name: string, value: number) => ({
  name,
  in: 'query',
  schema: { type: 'integer', minimum: 0, default: value },
});
const label = (required: boolean, description: string) => ({
  name: 'label',
  in: 'query',
  required,
  description,
  schema: { type: 'string' },
});

const picture = (type: string, description: string) => ({
  200: { description, content: { [type]: { schema: { type: 'string', format: 'binary' } } } },
});

/** What the page uses beside labelling. All but /api/run and /api/explain need edits. */
export const pagePaths = {
  '/api/run': {
    get: { operationId: 'run', summary: 'The run that is served', responses: answers('Run', []) },
  },
  '/api/explain': {
    post: {
      operationId: 'explain',
      summary: 'Where in an image a class was seen: Grad-CAM over it',
      parameters: [label(false, 'The class; default: the predicted one')],
      requestBody: imageBody,
      responses: {
        ...picture('image/png', 'The image with the heat map; X-Label names the class'),
        ...errorAnswers([400, 413, 415, 422, 503]),
      },
    },
  },
  '/api/mistakes': {
    get: {
      operationId: 'mistakes',
      summary: 'Validation images that the run got wrong, the surest mistake first',
      parameters: [whole('offset', 0), whole('limit', 24)],
      responses: answers('Mistakes', [400]),
    },
  },
  '/api/images/{index}': {
    get: {
      operationId: 'image',
      summary: 'A small picture of a validation image',
      parameters: [index, run],
      responses: {
        ...picture('image/jpeg', 'At most 256 pixels'),
        ...errorAnswers([400, 409, 422]),
      },
    },
  },
  '/api/images/{index}/correction': {
    post: {
      operationId: 'correct',
      summary: 'Say what is right for an image, in the run’s corrections.csv',
      parameters: [index, run],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: ref('CorrectionRequest') } },
      },
      responses: answers('Correction', [400, 409]),
    },
  },
  '/api/images': {
    post: {
      operationId: 'addImage',
      summary: 'Add an image to a class of the training data',
      parameters: [label(true, 'The class')],
      requestBody: imageBody,
      responses: {
        ...answers('AddedImage', [400, 409, 413, 415, 422], 201),
        200: { description: 'It had been added before' },
      },
    },
  },
  '/api/training': {
    get: {
      operationId: 'training',
      summary: 'Where the training stands',
      responses: answers('Training', [409]),
    },
    post: {
      operationId: 'train',
      summary: 'Train the head again with the corrections, into a new run that is served at once',
      responses: answers('Training', [409], 202),
    },
    delete: {
      operationId: 'cancelTraining',
      summary: 'Stop the training; nothing of it is kept',
      responses: answers('Training', [409]),
    },
  },
  '/api/training/events': {
    get: {
      operationId: 'trainingEvents',
      summary: 'The state of the training, now and at each change (server-sent events)',
      responses: {
        200: {
          description: 'Each event’s data is a Training',
          content: { 'text/event-stream': {} },
        },
        ...errorAnswers([409, 503]),
      },
    },
  },
};
