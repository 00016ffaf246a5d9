import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The metrics of `GET /metrics` for Prometheus. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  request(route: string, method: string, status: number, seconds: number): void;
  images(labelled: number, unreadable: number): void;
  batch(images: number, seconds: number): void;
  connectionRefused(): void;
}

/** @param waiting images that wait to be labelled, now */
export function createMetrics(waiting: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'headstart_http_request_duration_seconds',
    help: 'Time from a request’s headers to the end of its answer',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const images = new Counter({
    name: 'headstart_images_total',
    help: 'Images sent to /predict',
    labelNames: ['result'],
    registers,
  });
  const batches = new Histogram({
    name: 'headstart_batch_images',
    help: 'Images in one inference',
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers,
  });
  const inference = new Histogram({
    name: 'headstart_inference_seconds',
    help: 'Time of one inference',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const refused = new Counter({
    name: 'headstart_connections_refused_total',
    help: 'Connections closed at once, as too many were open',
    registers,
  });
  new Gauge({
    name: 'headstart_images_waiting',
    help: 'Images accepted and not yet labelled',
    registers,
    collect() {
      this.set(waiting());
    },
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    request: (route, method, status, seconds) =>
      requests.observe({ route, method, status }, seconds),
    images: (labelled, unreadable) => {
      images.inc({ result: 'labelled' }, labelled);
      images.inc({ result: 'unreadable' }, unreadable);
    },
    batch: (count, seconds) => {
      batches.observe(count);
      inference.observe(seconds);
    },
    connectionRefused: () => refused.inc(),
  };
}
