import { ref } from './api-schemas.ts';

type Described = Readonly<Record<string, unknown>>;

const problems: Readonly<Record<number, string>> = {
  400: 'The request is malformed: no image, a damaged form, a wrong parameter',
  403: 'The request comes from a page of another site, or by a name that is not this server’s',
  404: 'There is no such thing',
  409: 'It cannot be done now: see the message',
  413: 'A body, an image or the number of images is larger than this server takes',
  415: 'The body or the image is of a kind that is not taken',
  422: 'The image is damaged',
  503: 'Too much is waiting: try again after Retry-After seconds',
};

/** Answers with a JSON document, or with errors of these statuses. */
export function answers(schema: string, errors: readonly number[], status = 200): Described {
  const described = {
    description: 'Done',
    content: { 'application/json': { schema: ref(schema) } },
  };
  return { [status]: described, ...errorAnswers(errors) };
}

export function errorAnswers(errors: readonly number[]): Described {
  const content = { 'application/json': { schema: ref('Error') } };
  return Object.fromEntries(
    [...errors, 403]
      .sort((a, b) => a - b)
      .map((code) => [code, { description: problems[code], content }]),
  );
}

export const imageBody: Described = {
  required: true,
  content: {
    'image/*': { schema: { type: 'string', format: 'binary' } },
    'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
  },
};
