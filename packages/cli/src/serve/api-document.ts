import { createRequire } from 'node:module';
import { pagePaths } from './api-page-paths.ts';
import { answers, errorAnswers, imageBody } from './api-parts.ts';
import { apiSchemas } from './api-schemas.ts';
import type { ServeLimits } from './limits.ts';

type Described = Readonly<Record<string, unknown>>;

function predictPath({ maxImages, maxBodyBytes, maxPixels }: ServeLimits): Described {
  const files = { type: 'array', items: { type: 'string', format: 'binary' }, maxItems: maxImages };
  return {
    post: {
      operationId: 'predict',
      summary: 'Label images: one as the body, or several as files of a form',
      description:
        `Up to ${maxImages} images and ${maxBodyBytes} bytes per request, ${maxPixels} pixels per image. ` +
        'Predictions are in the order of the images. An image that cannot be read has an error in its ' +
        'place; where none can be read, the status is that of the first one’s error.',
      parameters: [
        {
          name: 'topk',
          in: 'query',
          description: 'Classes to name for each image',
          schema: { type: 'integer', minimum: 1, default: 3 },
        },
      ],
      requestBody: {
        required: true,
        content: {
          'multipart/form-data': {
            schema: { type: 'object', properties: { image: files } },
          },
          ...(imageBody.content as Described),
        },
      },
      responses: answers('Predictions', [400, 413, 415, 422, 503]),
    },
  };
}

const plainPaths: Described = {
  '/labels': {
    get: {
      operationId: 'labels',
      summary: 'The classes, in order',
      responses: answers('Labels', []),
    },
  },
  '/healthz': {
    get: {
      operationId: 'health',
      summary: 'Whether the server is ready, and what it serves',
      responses: answers('Health', []),
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      summary: 'Figures for Prometheus',
      responses: {
        200: { description: 'Prometheus’s text format', content: { 'text/plain': {} } },
        ...errorAnswers([]),
      },
    },
  },
  '/openapi.json': {
    get: {
      operationId: 'openapi',
      summary: 'This document',
      responses: {
        200: { description: 'OpenAPI 3.1', content: { 'application/json': {} } },
        ...errorAnswers([]),
      },
    },
  },
};

/** The OpenAPI document of the server; a test holds it against the routes. */
export function apiDocument(limits: ServeLimits): Described {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Headstart',
      version,
      summary: 'Labels images with a trained run.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths: { '/predict': predictPath(limits), ...plainPaths, ...pagePaths },
    components: { schemas: apiSchemas },
  };
}
