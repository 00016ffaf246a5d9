import { HeadstartError, reasonOf, type UnreadableImage } from '@headstart/core';
import type { FastifyError } from 'fastify';
import { messageInFlags } from '../words.ts';

/** An answer that is not a success: a status, a stable code, and one sentence for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(
    status: number,
    code: string,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

/** What the client sees of an error. */
export function errorDocument({ code, message }: ApiError) {
  return { error: { code, message } };
}

/** An image that cannot be labelled, as an error of its own. */
export function imageError({ kind, name, reason }: UnreadableImage): ApiError {
  const message = `Cannot read the image ${name}: ${reason}.`;
  switch (kind) {
    case 'pixels':
      return new ApiError(413, 'IMAGE_TOO_LARGE', message);
    case 'format':
      return new ApiError(415, 'IMAGE_FORMAT', message);
    default:
      return new ApiError(422, 'IMAGE_DAMAGED', message);
  }
}

/** Makes an answer of whatever was thrown; a failure of our own has no details. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof HeadstartError) return fromCore(error);
  const { code, statusCode } = error as Partial<FastifyError>;
  const known = code === undefined ? undefined : fastifyErrors[code];
  if (known) return new ApiError(known[0], known[1], known[2], { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ApiError(statusCode, 'BAD_REQUEST', `${sentence(reasonOf(error))}`, {
      cause: error,
    });
  }
  return new ApiError(500, 'INTERNAL', 'The server failed: see its log.', { cause: error });
}

function fromCore(error: HeadstartError): ApiError {
  const status = byCode[error.code] ?? 500;
  return new ApiError(status, error.code, messageInFlags(error), { cause: error });
}

const byCode: Partial<Record<HeadstartError['code'], number>> = {
  USAGE: 400,
  BUSY: 503,
  DATA_LAYOUT: 409,
  CORRECTIONS_INVALID: 409,
  IMAGE_UNREADABLE: 422,
  RUN_INVALID: 409,
  TRAINING_FAILED: 409,
  WEIGHTS_MISSING: 409,
  BACKBONE_UNSUITABLE: 409,
  CACHE_UNUSABLE: 409,
};

const fastifyErrors: Readonly<Record<string, readonly [number, string, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'BODY_TOO_LARGE', 'The body is larger than this server takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    415,
    'UNSUPPORTED_TYPE',
    'This content type is not accepted here: see GET /openapi.json.',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    400,
    'BAD_REQUEST',
    'The body and its Content-Length differ in length.',
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'BAD_REQUEST', 'The body is empty, not JSON.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'BAD_REQUEST', 'The body is not JSON.'],
};

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
