// What both sides train: the original head on random features, float32.
export const shape = [7, 7, 512];
export const samples = 1024;
export const batchSize = 32;
export const threads = 2;
/** The first one warms up and does not count. */
export const epochs = 4;
