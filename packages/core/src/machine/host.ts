import { access, constants, statfs } from 'node:fs/promises';
import { cpus, freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { plural } from '../base/plural.ts';
import { availableThreads } from '../base/threads.ts';
import { software } from '../base/version.ts';
import { hasMatrixUnit } from '../onnx/index.ts';
import type { Finding } from './finding.ts';

/** The oldest Node that is supported. */
const oldestNode = [20, 19] as const;

/** Extraction with VGG16 takes some 0.9 GB at most (bench/README.md). */
const enoughMemory = 1.5 * 2 ** 30;

/** For the features of some thousand images. */
const enoughDisk = 2 * 2 ** 30;

/** What the machine has: Node, processor, memory. */
export function machine(): Finding[] {
  return [node(process.versions.node), processor(), memory()];
}

/** @param version as `20.19.4` */
export function node(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldest, oldestMinor] = oldestNode;
  const detail = `${version} on ${software.platform}`;
  if (major > oldest || (major === oldest && minor >= oldestMinor)) {
    return { name: 'Node', state: 'ready', detail };
  }
  const advice = `Install Node ${oldestNode.join('.')} or newer: https://nodejs.org.`;
  return { name: 'Node', state: 'broken', detail, advice };
}

function processor(): Finding {
  const model = cpus()[0]?.model.trim() || 'unknown';
  const amx = hasMatrixUnit() ? ', matrix unit for int8 (AMX)' : '';
  const detail = `${model}${threads()}${amx}`;
  return { name: 'Processor', state: 'ready', detail };
}

/** `, 2 threads`; nothing where the addon, which counts them, is missing: that is a finding of its own. */
function threads(): string {
  try {
    const count = availableThreads();
    return `, ${plural(count, 'thread')}`;
  } catch {
    return '';
  }
}

function memory(): Finding {
  // Of a container its limit, where it has one.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const total = Math.min(totalmem(), limit);
  const free = Math.min(process.availableMemory?.() ?? freemem(), total);
  const detail = `${gigabytes(free)} of ${gigabytes(total)} free`;
  if (free >= enoughMemory) return { name: 'Memory', state: 'ready', detail };
  const advice = `Close other programs: features of VGG16 take some ${gigabytes(enoughMemory)}.`;
  return { name: 'Memory', state: 'ready', detail, advice };
}

/** Whether a folder can be written, or made, and what is free on its disk. */
export interface Place {
  readonly exists: boolean;
  readonly free: string;
  /** Undefined where there is enough. */
  readonly advice: string | undefined;
}

/** @throws the file system's error where the folder can be neither written nor made */
export async function placeOf(folder: string): Promise<Place> {
  const nearest = await nearestFolder(folder);
  await access(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
  const { bavail, bsize } = await statfs(nearest);
  const bytes = bavail * bsize;
  const short = `${gigabytes(bytes)} are little: each view of an image takes 50 KB (VGG16, float16).`;
  return {
    exists: nearest === folder,
    free: `${gigabytes(bytes)} free`,
    advice: bytes < enoughDisk ? short : undefined,
  };
}

/** The folder, or the folder in which it would be made. */
async function nearestFolder(folder: string): Promise<string> {
  try {
    await access(folder);
    return folder;
  } catch (error) {
    const parent = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error;
    return nearestFolder(parent);
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
