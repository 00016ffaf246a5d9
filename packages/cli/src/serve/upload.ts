import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';

export interface UploadedImage {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The images of a request, in order: the body itself, or every file of a form.
 *
 * @throws ApiError 400 for a body that is not a form or has no image, 413 for too many images
 */
export async function uploadedImages(
  request: FastifyRequest,
  maxImages: number,
): Promise<UploadedImage[]> {
  // A body that is JSON has been parsed, and is not an image.
  const body = Buffer.isBuffer(request.body) ? request.body : undefined;
  const type = request.headers['content-type'] ?? '';
  const images = /^multipart\//i.test(type)
    ? await filesOf(body ?? Buffer.alloc(0), type, maxImages)
    : body
      ? [{ name: 'image', bytes: body }]
      : [];
  if (images.length === 0) {
    throw new ApiError(
      400,
      'NO_IMAGE',
      'There is no image in the request: send one as the body, with its type, or several as files of a form (multipart/form-data).',
    );
  }
  return images;
}

/** Fields beside the files are not used; some clients send them. */
const maxFields = 16;

async function filesOf(body: Buffer, type: string, maxImages: number): Promise<UploadedImage[]> {
  const boundary = boundaryOf(type);
  if (occurrences(body, `--${boundary}`) > maxImages + maxFields + 1) throw tooMany(maxImages);
  const form = await new Response(body, { headers: { 'content-type': type } })
    .formData()
    .catch((error: unknown) => {
      const message = 'The body is not a form, or it is damaged or cut off.';
      throw new ApiError(400, 'BAD_FORM', message, { cause: error });
    });
  const files = [...form.values()].filter((value) => typeof value !== 'string');
  if (files.length > maxImages) throw tooMany(maxImages);
  return Promise.all(
    files.map(async (file, i) => ({
      name: file.name || `image ${i + 1}`,
      bytes: new Uint8Array(await file.arrayBuffer()),
    })),
  );
}

function tooMany(maxImages: number): ApiError {
  const message = `The form has more than ${maxImages} images, or more than ${maxFields} other fields.`;
  return new ApiError(413, 'TOO_MANY_IMAGES', message);
}

/** What separates the parts of a form (RFC 2046). */
function boundaryOf(type: string): string {
  const named = [...type.matchAll(/;\s*boundary=(?:"([^"]+)"|([^;\s"]+))/gi)];
  const [, quoted, plain] = named[0] ?? [];
  const boundary = quoted ?? plain;
  if (boundary !== undefined && named.length === 1) return boundary;
  // Of several, others may take another one than we do.
  const how = named.length > 1 ? 'more than one boundary' : 'no boundary';
  throw new ApiError(400, 'BAD_FORM', `The content type of the form names ${how}.`);
}

/** Counted before the form is taken apart, which costs something for each part. */
function occurrences(body: Buffer, text: string): number {
  let count = 0;
  for (let at = body.indexOf(text); at >= 0; at = body.indexOf(text, at + text.length)) count++;
  return count;
}
