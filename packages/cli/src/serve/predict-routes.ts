import type { Classified } from '@headstart/core';
import type { FastifyInstance } from 'fastify';
import { apiDocument } from './api-document.ts';
import { ApiError, imageError } from './api-error.ts';
import type { ServeLimits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { requestSignal } from './request-signal.ts';
import { runName, type ServedModel } from './served-model.ts';
import { uploadedImages } from './upload.ts';

export interface PredictRoutes {
  readonly model: ServedModel;
  /** Below this probability an image is `unknown`; default: never. */
  readonly threshold?: number | undefined;
  readonly limits: ServeLimits;
  readonly metrics: Metrics;
  /** Ends the answers under way. */
  readonly stopping: AbortSignal;
}

/** Classes named for each image, where the request does not set it. */
const defaultTopK = 3;

export function addPredictRoutes(server: FastifyInstance, options: PredictRoutes): void {
  const { model, threshold, limits, metrics, stopping } = options;
  server.post('/predict', async (request, reply) => {
    const images = await uploadedImages(request, limits.maxImages);
    const topK = topKOf(request.query as Readonly<Record<string, unknown>>);
    const signal = requestSignal(reply, limits.timeoutMs, stopping);
    // Another run may take its place before these are labelled.
    const { batched } = model;
    const run = runName(model);
    const items = await batched.classify(images, { topK, threshold, signal });
    const unreadable = items.filter((item) => 'error' in item);
    metrics.images(items.length - unreadable.length, unreadable.length);
    const [first] = unreadable;
    if (first && unreadable.length === items.length) throw imageError(first);
    return { run, predictions: items.map(rowOf) };
  });

  server.get('/labels', async () => ({ labels: model.record.classes }));
  server.get('/healthz', async () => ({ status: 'ok', run: runName(model) }));
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  server.get('/openapi.json', async () => apiDocument(limits));
}

function topKOf({ topk }: Readonly<Record<string, unknown>>): number {
  if (topk === undefined) return defaultTopK;
  const value = Number(topk);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new ApiError(400, 'USAGE', 'topk must be a whole number, 1 or more.');
}

/** One prediction as `predict --json` prints it. */
function rowOf(item: Classified) {
  if ('error' in item) {
    const { code, message } = imageError(item);
    return { file: item.name, error: { code, message } };
  }
  const { name, label, probability, ranking } = item;
  return { file: name, label, probability, top: ranking };
}
