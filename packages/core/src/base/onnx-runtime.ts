/**
 * Keeps ONNX Runtime from reporting to its maker: from 1.29 on it writes events, with the names in a
 * model's metadata, into the user's folders, and a process that lives long sends them. Call this on the
 * main thread before onnxruntime-node is loaded anywhere: a worker's `process.env` is a copy, which ONNX
 * Runtime does not read. A value that the user has set stays.
 */
export function forbidTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
}
