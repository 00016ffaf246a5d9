import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';

/**
 * Refuses what a web page of somebody else could have a browser on this machine do.
 *
 * A page whose name is made to point at this address (DNS rebinding) still sends that name as Host:
 * so Host must be an address, localhost, or a name that was allowed. A page elsewhere that posts
 * here (cross-site request forgery) is known by Origin and Sec-Fetch-Site; what is not a browser sends
 * neither.
 *
 * @param names further names of this server, in lower case, without ports
 * @throws ApiError 403
 */
export function checkSource(request: FastifyRequest, names: ReadonlySet<string>): void {
  const { host: hostHeader = '', origin, 'sec-fetch-site': site } = request.headers;
  if (!isOwnHost(hostHeader, names)) {
    throw new ApiError(
      403,
      'FORBIDDEN_HOST',
      `This server does not answer to the name ${JSON.stringify(hostHeader)}: start it with --allow-host and that name.`,
    );
  }
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const foreign = origin === undefined ? isForeignSite(site) : !isOwnOrigin(origin, hostHeader);
  if (foreign) {
    throw new ApiError(
      403,
      'FORBIDDEN_ORIGIN',
      `Pages of ${origin ?? 'another site'} may not send requests to this server.`,
    );
  }
}

function isOwnHost(header: string, names: ReadonlySet<string>): boolean {
  const name = hostName(header);
  return name === 'localhost' || isIP(name) !== 0 || names.has(name);
}

/** The name or address in a Host header or of `--allow-host`, without its port and brackets. */
export function hostName(header: string): string {
  const [, address, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
  return (address ?? name ?? '').toLowerCase();
}

function isOwnOrigin(origin: string, hostHeader: string): boolean {
  try {
    return new URL(origin).host === hostHeader.toLowerCase();
  } catch {
    return false;
  }
}

function isForeignSite(site: string | string[] | undefined): boolean {
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}
