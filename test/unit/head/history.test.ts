import { expect, test } from 'vitest';
import { historyCsv } from '#core/head';

test('the history is a table with one row an epoch', () => {
  const epoch = {
    loss: 0.5,
    accuracy: 0.75,
    valLoss: 0.625,
    valAccuracy: 1,
    learningRate: 1e-3,
    seconds: 0.01,
  };
  expect(
    historyCsv([
      { epoch: 1, ...epoch },
      { epoch: 2, ...epoch, loss: 1e-7 },
    ]),
  ).toBe(
    'epoch,loss,accuracy,val_loss,val_accuracy,seconds\n' +
      '1,0.5,0.75,0.625,1,0.01\n' +
      '2,1e-7,0.75,0.625,1,0.01\n',
  );
});
