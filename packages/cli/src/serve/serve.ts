import type { LoadClassifierOptions, OperationOptions, TrainOptions } from '@headstart/core';
import { HeadstartError, reasonOf } from '@headstart/core';
import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.ts';
import { hostName } from './guard.ts';
import type { ServeLimits } from './limits.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { addPageRoutes } from './page-routes.ts';
import { addPredictRoutes } from './predict-routes.ts';
import { addReviewRoutes } from './review-routes.ts';
import { listRoutes, type Route } from './routes.ts';
import { ServedModel } from './served-model.ts';
import { createServer } from './server.ts';
import { Workbench } from './workbench.ts';

export interface ServeOptions extends OperationOptions {
  /** Run folder. */
  readonly run: string;
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly load: LoadClassifierOptions;
  /** Below this probability an image is `unknown`; default: never. */
  readonly threshold?: number | undefined;
  /** Default 8 on the CPU, 64 on a GPU. */
  readonly batchSize?: number | undefined;
  readonly maxWaitMs: number;
  readonly limits: ServeLimits;
  /** The images' folder; default: where the run found them. */
  readonly data?: string | undefined;
  /** How the run was trained; undefined where it cannot be trained again. */
  readonly retrain: TrainOptions | undefined;
  /** Whether images may be looked at, labels corrected and heads trained. */
  readonly edits: boolean;
  /** Names that the server answers by, besides localhost and addresses. */
  readonly allowHosts: readonly string[];
  readonly onFailure: (error: unknown) => void;
}

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  readonly model: ServedModel;
  readonly routes: readonly Route[];
  /**
   * Takes no new requests, answers those under way (with 503 after `limits.stopMs`), and lets the
   * model go.
   */
  close(): Promise<void>;
}

/**
 * Serves a run until it is closed.
 *
 * @throws HeadstartError `RUN_INVALID`, `GPU_REQUIRED`, `USAGE` where the port cannot be had
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { limits, threshold, batchSize, maxWaitMs } = options;
  let metrics: Metrics | undefined;
  const model = await ServedModel.open(options.run, options.load, {
    batchSize,
    maxWaitMs,
    queueLimit: limits.queueLimit,
    maxPixels: limits.maxPixels,
    onBatch: ({ images, seconds }) => metrics?.batch(images, seconds),
  });
  try {
    metrics = createMetrics(() => model.batched.waiting);
    const names = [options.host, ...options.allowHosts].map(hostName).filter(Boolean);
    const server = createServer({ ...options, hosts: new Set(names), metrics });
    const routes = listRoutes(server);
    const workbench = await Workbench.open({ ...options, model });
    const [closing, stopping] = [new AbortController(), new AbortController()];
    const answers = { model, threshold, limits, metrics, stopping: stopping.signal };
    addPredictRoutes(server, answers);
    const signals = { closing: closing.signal, stopping: stopping.signal };
    addReviewRoutes(server, { model, workbench, limits, ...signals });
    await addPageRoutes(server);
    const url = await listen(server, options);
    const close = async () => {
      closing.abort();
      const timer = setTimeout(() => {
        const message = 'The server stops: send the request again later.';
        stopping.abort(new ApiError(503, 'STOPPING', message));
      }, limits.stopMs);
      await server.close();
      clearTimeout(timer);
      await workbench[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
    };
    return { url, model, routes, close };
  } catch (error) {
    await model[Symbol.asyncDispose]();
    throw error;
  }
}

async function listen(server: FastifyInstance, { host, port, signal }: ServeOptions) {
  signal?.throwIfAborted();
  try {
    // Fastify would open a server of its own for each address of localhost, without our bounds.
    await server.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port });
  } catch (error) {
    await server.close();
    throw new HeadstartError(
      'USAGE',
      `Cannot listen on ${host}, port ${port}: ${reasonOf(error)}. Choose another with --host and --port.`,
      { cause: error },
    );
  }
  const address = server.server.address();
  const taken = typeof address === 'object' && address ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${taken}`;
}
