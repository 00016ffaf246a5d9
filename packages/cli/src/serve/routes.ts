import type { FastifyInstance } from 'fastify';

export interface Route {
  readonly method: string;
  /** With parameters as `:name`. */
  readonly url: string;
}

const known = new WeakMap<FastifyInstance, Route[]>();

/** Keeps a list of the routes that are added from now on. */
export function listRoutes(server: FastifyInstance): readonly Route[] {
  const routes: Route[] = [];
  known.set(server, routes);
  server.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, url });
  });
  return routes;
}

/** The methods that a path takes, whatever the request's. */
export function allowedMethods(server: FastifyInstance, target: string): string[] {
  const path = target.split('?')[0] ?? '';
  const routes = known.get(server) ?? [];
  const methods = routes.filter(({ url }) => matches(url, path)).map(({ method }) => method);
  return [...new Set(methods)];
}

function matches(url: string, path: string): boolean {
  const [wanted, given] = [url.split('/'), path.split('/')];
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith(':') ? given[i] !== '' : part === given[i]))
  );
}
