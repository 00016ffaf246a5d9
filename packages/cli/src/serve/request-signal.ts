import type { FastifyReply } from 'fastify';
import { ApiError } from './api-error.ts';

/** Nobody reads this answer: 499 is how nginx counts such requests, and so do the figures. */
function clientGone(): ApiError {
  return new ApiError(499, 'CLIENT_GONE', 'The client has gone.');
}

/**
 * Aborted when the client goes away, or with a 503 when its answer takes too long or the server
 * stops. Ends with the answer.
 *
 * @param stopping whose reason is the answer
 */
export function requestSignal(
  reply: FastifyReply,
  timeoutMs: number,
  stopping: AbortSignal,
): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new ApiError(503, 'TIMEOUT', 'The answer took too long: try again later.'));
  }, timeoutMs);
  reply.raw.once('close', () => {
    clearTimeout(timer);
    if (!reply.raw.writableFinished) controller.abort(clientGone());
  });
  return AbortSignal.any([controller.signal, stopping]);
}
