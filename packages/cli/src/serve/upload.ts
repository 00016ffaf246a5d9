import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import { reasonOf } from '@headstart/core';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';

export interface UploadedImage {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The images of a request, in order: the body itself, or every file of a form.
 *
 * @throws ApiError 400 for a body that is no form or has no image, 413 for too many images
 */
export async function uploadedImages(
  request: FastifyRequest,
  maxImages: number,
): Promise<UploadedImage[]> {
  const body = request.body as Buffer | undefined;
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

function filesOf(body: Buffer, type: string, maxImages: number): Promise<UploadedImage[]> {
  return new Promise((resolve, reject) => {
    const files: (UploadedImage | undefined)[] = [];
    const refuse = (error: unknown) =>
      reject(
        error instanceof ApiError
          ? error
          : new ApiError(400, 'BAD_FORM', `The form is damaged or cut off: ${reasonOf(error)}.`),
      );
    const tooMany = (what: string) => () =>
      refuse(new ApiError(413, 'TOO_MANY_IMAGES', `The form has more than ${what}.`));
    try {
      const parser = new Busboy({
        headers: { 'content-type': type } as BusboyHeaders,
        limits: {
          files: maxImages,
          fields: maxFields,
          parts: maxImages + maxFields,
          fieldSize: 4096,
          headerPairs: 32,
          fileSize: body.length + 1,
        },
      });
      parser.on('file', (_field, stream, filename) => {
        const index = files.push(undefined) - 1;
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', refuse);
        stream.on('end', () => {
          files[index] = { name: filename || `image ${index + 1}`, bytes: Buffer.concat(chunks) };
        });
      });
      parser.on('filesLimit', tooMany(`${maxImages} images`));
      parser.on('fieldsLimit', tooMany(`${maxFields} fields`));
      parser.on('partsLimit', tooMany(`${maxImages} images`));
      parser.on('error', refuse);
      parser.on('finish', () => resolve(files.filter((file) => file !== undefined)));
      parser.end(body);
    } catch (error) {
      refuse(error);
    }
  });
}
