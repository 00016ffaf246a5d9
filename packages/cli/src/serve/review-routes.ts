import { type Thumbnail, thumbnail } from '@headstart/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, imageError } from './api-error.ts';
import { EventStreams } from './event-streams.ts';
import type { ServeLimits } from './limits.ts';
import { requestSignal } from './request-signal.ts';
import { runName, type ServedModel } from './served-model.ts';
import type { TrainingState } from './training.ts';
import { uploadedImages } from './upload.ts';
import type { Workbench } from './workbench.ts';

export interface ReviewRoutes {
  readonly model: ServedModel;
  readonly workbench: Workbench;
  readonly limits: ServeLimits;
  /** Aborted when the server closes: streams that have no end of their own end then. */
  readonly closing: AbortSignal;
  /** Ends the answers under way. */
  readonly stopping: AbortSignal;
}

type Query = Readonly<Record<string, unknown>>;

/** What the page needs beside labelling. */
export function addReviewRoutes(server: FastifyInstance, options: ReviewRoutes): void {
  addRunRoute(server, options);
  addExplainRoute(server, options);
  addMistakeRoutes(server, options);
  addTrainingRoutes(server, options);
}

function addRunRoute(server: FastifyInstance, { model, workbench, limits }: ReviewRoutes): void {
  server.get('/api/run', async () => {
    const { classes, created, backbone, result, data } = model.record;
    return {
      run: runName(model),
      classes,
      created,
      backbone: backbone?.name ?? null,
      untrained: backbone?.untrained ?? false,
      accuracy: result.validation.accuracy,
      interval: result.validation.interval,
      validation_images: data.validationSamples,
      edits: workbench.edits,
      data: workbench.edits ? (workbench.review.data ?? null) : null,
      corrections: workbench.edits ? await workbench.review.correctionCount() : 0,
      why_no_training: workbench.whyNoTraining ?? null,
      max_images: limits.maxImages,
      max_body_bytes: limits.maxBodyBytes,
    };
  });
}

function addExplainRoute(server: FastifyInstance, options: ReviewRoutes): void {
  const { workbench, limits, stopping } = options;
  server.post('/api/explain', async (request, reply) => {
    const { label } = request.query as Query;
    const input = await readableImage(request, options);
    const signal = requestSignal(reply, limits.timeoutMs, stopping);
    const explained = await workbench.explain((explainer) => {
      signal.throwIfAborted();
      const chosen = typeof label === 'string' ? label : undefined;
      return explainer.explain(input, { class: chosen, longest: 640, signal });
    });
    reply.header('x-label', encodeURIComponent(explained.label));
    return reply.type('image/png').send(Buffer.from(explained.overlay));
  });
}

function addMistakeRoutes(server: FastifyInstance, options: ReviewRoutes): void {
  const { workbench, limits } = options;
  server.get('/api/mistakes', async (request) => {
    const query = request.query as Query;
    const { review } = workbench;
    const run = runName(review.run);
    const offset = count(query.offset, 0, 'offset');
    const limit = Math.min(100, count(query.limit, 24, 'limit'));
    const { total, items } = await review.mistakes(offset, limit);
    const mistakes = items.map(({ labelProbability, correction, hash: _, ...item }) => ({
      ...item,
      label_probability: labelProbability,
      correction: correction ?? null,
    }));
    return { run, total, images: review.data !== undefined, mistakes };
  });

  server.get('/api/images/:index', async (request, reply) => {
    const { review, index } = imageOf(request, workbench);
    const path = review.path(index);
    return sendThumbnail(reply, await thumbnail(path, { size: 256 }));
  });

  server.post('/api/images/:index/correction', async (request) => {
    const { review, index } = imageOf(request, workbench);
    const { action, label } = correctionOf(request.body);
    const correction = await review.correct(index, action, label);
    return { ...correction, corrections: await review.correctionCount() };
  });

  server.post('/api/images', async (request, reply) => {
    const { label } = request.query as Query;
    const { review } = workbench;
    if (typeof label !== 'string') throw new ApiError(400, 'USAGE', 'Name the class by ?label=.');
    const { name, bytes } = await readableImage(request, options);
    const added = await review.add(label, { name, bytes, maxPixels: limits.maxPixels });
    reply.code(added.existed ? 200 : 201);
    return { file: added.path, hash: added.hash, existed: added.existed };
  });
}

/**
 * The image that a path names by its place among a run's predictions. Another run has other ones in
 * these places: so the run must be named, and be the one that is served.
 */
function imageOf({ params, query }: FastifyRequest, { review }: Workbench) {
  const index = count((params as Query).index, undefined, 'index');
  const { run } = query as Query;
  const served = runName(review.run);
  if (typeof run !== 'string') throw new ApiError(400, 'USAGE', 'Name the run by ?run=.');
  if (run === served) return { review, index };
  throw new ApiError(
    409,
    'OTHER_RUN',
    `The run ${JSON.stringify(run.slice(0, 100))} is not the one that is served, which is ${served}: list its mistakes again.`,
  );
}

function addTrainingRoutes(server: FastifyInstance, options: ReviewRoutes): void {
  const { workbench, closing } = options;
  const streams = new EventStreams<TrainingState>(closing);
  server.get('/api/training', async () => workbench.training.state);
  server.post('/api/training', async (_request, reply) => {
    workbench.training.start();
    return reply.code(202).send(workbench.training.state);
  });
  server.delete('/api/training', async () => {
    if (!workbench.training.cancel()) {
      throw new ApiError(409, 'NO_TRAINING', 'There is no training to cancel.');
    }
    return workbench.training.state;
  });
  // A stream has no HEAD: without a body, nothing would ever be sent.
  server.get('/api/training/events', { exposeHeadRoute: false }, (_request, reply) => {
    const { training } = workbench;
    streams.open(reply, (send) => training.listen(send));
  });
}

/** The one image of a request, which can be read within the limits. */
async function readableImage(request: FastifyRequest, { model, limits }: ReviewRoutes) {
  const images = await uploadedImages(request, limits.maxImages);
  const [image] = images;
  if (!image || images.length > 1) {
    throw new ApiError(400, 'USAGE', 'Send one image here, not several.');
  }
  const read = await model.batched.classifier.read(image, { maxPixels: limits.maxPixels });
  if ('error' in read) throw imageError(read);
  return image;
}

function sendThumbnail(reply: FastifyReply, picture: Thumbnail): FastifyReply {
  if ('reason' in picture) {
    throw new ApiError(422, 'IMAGE_DAMAGED', `The image cannot be shown: ${picture.reason}.`);
  }
  const bytes = Buffer.from(picture.uri.slice(picture.uri.indexOf(',') + 1), 'base64');
  return reply.type('image/jpeg').send(bytes);
}

function count(value: unknown, missing: number | undefined, name: string): number {
  if (value === undefined && missing !== undefined) return missing;
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value);
  throw new ApiError(400, 'USAGE', `${name} must be a whole number, 0 or more.`);
}

function correctionOf(body: unknown) {
  const { action, label = '' } = (body ?? {}) as { action?: unknown; label?: unknown };
  if (action !== 'keep' && action !== 'relabel' && action !== 'remove') {
    throw new ApiError(400, 'USAGE', 'action must be keep, relabel or remove.');
  }
  if (typeof label !== 'string') throw new ApiError(400, 'USAGE', 'label must be text.');
  return { action, label } as const;
}
