/** The layers of the original head, as the native trainer takes them. */
export const convHead = (classes) => [
  { type: 'conv2d', name: 'conv2d', filters: 32, kernelSize: 3, activation: 'relu' },
  { type: 'max_pool2d' },
  { type: 'dropout', rate: 0.25 },
  { type: 'conv2d', name: 'conv2d_1', filters: 64, kernelSize: 3, activation: 'relu' },
  { type: 'max_pool2d' },
  { type: 'flatten' },
  { type: 'dense', name: 'dense', units: 128, activation: 'relu' },
  { type: 'dense', name: 'dense_1', units: classes },
];
