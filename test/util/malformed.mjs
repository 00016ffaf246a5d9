// Requests that a server must refuse, each with the statuses that are right. Used by a test, and by
// scripts/check-serve.mjs in large numbers.
import { connect } from 'node:net';
import { crc32, deflateSync } from 'node:zlib';

/**
 * @typedef {{ name: string, bytes: (i: number) => Buffer, status: number[] | 'none', abort?: boolean }} Malformed
 *   `status`: what may be answered; `none`: the client leaves before an answer is due
 */

const crlf = '\r\n';

function message(head, body = Buffer.alloc(0), length = body.length) {
  const lines = [...head, 'Host: localhost', 'Connection: close'];
  if (length !== undefined) lines.push(`Content-Length: ${length}`);
  return Buffer.concat([Buffer.from(`${lines.join(crlf)}${crlf}${crlf}`), body]);
}

const post = (type, body, length) =>
  message(['POST /predict HTTP/1.1', `Content-Type: ${type}`], body, length);

function form(parts, end = `--b--${crlf}`) {
  const texts = parts.flatMap(({ head, body }) => [
    Buffer.from(`--b${crlf}${head}${crlf}${crlf}`),
    body,
    Buffer.from(crlf),
  ]);
  return Buffer.concat([...texts, Buffer.from(end)]);
}

const fileHead = (name) =>
  `Content-Disposition: form-data; name="image"; filename="${name}"${crlf}Content-Type: image/png`;

/** A PNG of that size by its header, all of one colour: small however large it is. */
export function bomb(width, height) {
  const chunk = (type, data) => {
    const content = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(checksum(content));
    return Buffer.concat([size, content, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc(Math.min(height, 2000) * (1 + Math.ceil(width / 8))));
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** CRC-32 as PNG has it; zlib.crc32 needs Node 20.15, which is there. */
const checksum = (bytes) => crc32(bytes);

/** @param {Buffer} good an image file that the server reads @returns {Malformed[]} */
export function malformedRequests(good) {
  const large = bomb(65_536, 65_536);
  const noise = (i, n) =>
    Buffer.from({ length: n }, () => 0).map((_, k) => (k * 7919 + i * 104_729) % 251);
  const multipart = 'multipart/form-data; boundary=b';
  const cut = (i) =>
    form([{ head: fileHead('a.png'), body: good }], '').subarray(
      0,
      40 + ((i * 37) % (good.length + 20)),
    );
  return [
    { name: 'a form that is cut off', status: [400], bytes: (i) => post(multipart, cut(i)) },
    {
      name: 'a form without a boundary',
      status: [400],
      bytes: () => post('multipart/form-data', good),
    },
    {
      name: 'a form with two boundaries',
      status: [400],
      bytes: (i) =>
        post(
          `multipart/form-data; boundary=${i % 2 ? 'b' : 'c'}; boundary=b`,
          form([{ head: fileHead('a'), body: good }]),
        ),
    },
    {
      name: 'a form with another boundary',
      status: [400],
      bytes: () =>
        post('multipart/form-data; boundary=c', form([{ head: fileHead('a'), body: good }])),
    },
    {
      name: 'a form without files',
      status: [400],
      bytes: () =>
        post(
          multipart,
          form([{ head: 'Content-Disposition: form-data; name="x"', body: Buffer.from('1') }]),
        ),
    },
    { name: 'a form of noise', status: [400], bytes: (i) => post(multipart, noise(i, 2000)) },
    {
      name: 'a part with broken headers',
      status: [400, 415],
      bytes: (i) =>
        post(
          multipart,
          form([{ head: `Content-Disposition: ${'\0;"'.repeat(i % 50)}`, body: good }]),
        ),
    },
    {
      name: 'too many files',
      status: [413],
      bytes: () =>
        post(
          multipart,
          form(
            Array.from({ length: 40 }, (_, k) => ({
              head: fileHead(`${k}.png`),
              body: Buffer.from('x'),
            })),
          ),
        ),
    },
    {
      name: 'too many fields',
      status: [413],
      bytes: () =>
        post(
          multipart,
          form(
            Array.from({ length: 200 }, (_, k) => ({
              head: `Content-Disposition: form-data; name="${k}"`,
              body: Buffer.from('x'),
            })),
          ),
        ),
    },
    {
      name: 'a field named __proto__',
      status: [400],
      bytes: () =>
        post(
          multipart,
          form([
            { head: 'Content-Disposition: form-data; name="__proto__"', body: Buffer.from('x') },
          ]),
        ),
    },
    {
      name: 'text for an image',
      status: [415],
      bytes: (i) => post('image/png', Buffer.from(`hello ${i}`)),
    },
    {
      name: 'another content type',
      status: [415],
      bytes: (i) =>
        post(['text/plain', 'application/json5', 'text/html', 'x'][i % 4], Buffer.from('{}')),
    },
    {
      name: 'JSON where an image is due',
      status: [400, 415],
      bytes: () => post('application/json', Buffer.from('{"image":"x"')),
    },
    { name: 'an empty image', status: [400, 422], bytes: () => post('image/png', Buffer.alloc(0)) },
    {
      name: 'an image that is cut off',
      status: [415, 422],
      bytes: (i) => post('image/png', good.subarray(0, 1 + ((i * 53) % (good.length - 30)))),
    },
    {
      name: 'an image of noise after its header',
      status: [422],
      bytes: (i) => post('image/png', Buffer.concat([good.subarray(0, 40), noise(i, 500)])),
    },
    { name: 'a decompression bomb', status: [413], bytes: () => post('image/png', large) },
    {
      name: 'a bomb in a form',
      status: [413],
      bytes: () => post(multipart, form([{ head: fileHead('bomb.png'), body: large }])),
    },
    {
      name: 'a length beyond the limit',
      status: [413],
      bytes: () => post('image/png', Buffer.from('x'), 10 ** 12),
    },
    {
      name: 'a length that is no number',
      status: [400],
      bytes: () =>
        Buffer.from(
          `POST /predict HTTP/1.1${crlf}Host: localhost${crlf}Content-Length: -5x${crlf}${crlf}`,
        ),
    },
    {
      name: 'a length and chunks at once',
      status: [400],
      bytes: () =>
        Buffer.from(
          `POST /predict HTTP/1.1${crlf}Host: localhost${crlf}Content-Length: 3${crlf}Transfer-Encoding: chunked${crlf}${crlf}0${crlf}${crlf}`,
        ),
    },
    {
      name: 'broken chunks',
      status: [400],
      bytes: () =>
        Buffer.from(
          `POST /predict HTTP/1.1${crlf}Host: localhost${crlf}Content-Type: image/png${crlf}Transfer-Encoding: chunked${crlf}${crlf}zz${crlf}abc`,
        ),
    },
    {
      name: 'huge headers',
      status: [431],
      bytes: () => message(['GET /labels HTTP/1.1', `X-Filler: ${'x'.repeat(60_000)}`]),
    },
    {
      name: 'very many headers',
      status: [431],
      bytes: () =>
        message([
          'GET /labels HTTP/1.1',
          ...Array.from({ length: 3000 }, (_, k) => `X-${k}: ${k}`),
        ]),
    },
    {
      name: 'no HTTP at all',
      status: [400],
      bytes: (i) => Buffer.concat([noise(i, 300), Buffer.from(`${crlf}${crlf}`)]),
    },
    {
      name: 'a wrong method',
      status: [404, 405],
      bytes: (i) => message([`${['PUT', 'DELETE', 'PATCH', 'GET'][i % 4]} /predict HTTP/1.1`]),
    },
    {
      name: 'a path that is none',
      status: [400, 404],
      bytes: (i) =>
        message([
          `GET ${['/%zz', '/..%2f..%2fetc/passwd', '/page/../../x', '/api/images/%00'][i % 4]} HTTP/1.1`,
        ]),
    },
    {
      name: 'a wrong parameter',
      status: [400],
      bytes: (i) =>
        message(
          [
            `POST /predict?topk=${['0', '-1', 'x', '1e9x'][i % 4]} HTTP/1.1`,
            'Content-Type: image/png',
          ],
          good,
        ),
    },
    {
      name: 'a foreign host',
      status: [403],
      bytes: () =>
        Buffer.from(
          `GET /labels HTTP/1.1${crlf}Host: evil.example${crlf}Connection: close${crlf}${crlf}`,
        ),
    },
    {
      name: 'a foreign origin',
      status: [403],
      bytes: () =>
        message(
          ['POST /predict HTTP/1.1', 'Origin: http://evil.example', 'Content-Type: image/png'],
          good,
        ),
    },
    {
      name: 'an upload that is aborted',
      status: 'none',
      abort: true,
      bytes: (i) => post('image/png', good.subarray(0, (i * 71) % good.length), good.length),
    },
    {
      name: 'a form that is aborted',
      status: 'none',
      abort: true,
      bytes: (i) => post(multipart, cut(i), good.length * 3),
    },
    {
      name: 'headers that are aborted',
      status: 'none',
      abort: true,
      bytes: (i) => post('image/png', good).subarray(0, 10 + (i % 60)),
    },
    {
      name: 'a request whose answer is not waited for',
      status: 'none',
      abort: true,
      bytes: () => post('image/png', good),
    },
  ];
}

/**
 * Sends bytes over a connection of their own; the status is undefined where there was no answer.
 *
 * @param {string} url
 * @param {Malformed} request
 * @param {number} i
 */
export function sendRaw(url, { bytes, abort }, i) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const chunks = [];
    const end = () => {
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      resolve({ status: status && Number(status), body: text.slice(text.indexOf('\r\n\r\n') + 4) });
    };
    socket.setTimeout(20_000, end);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket
      .on('end', end)
      .on('close', end)
      .on('error', () => {});
    socket.on('connect', () => {
      socket.write(bytes(i), () => {
        if (abort) setTimeout(end, i % 3 === 0 ? 0 : 5);
      });
    });
  });
}
