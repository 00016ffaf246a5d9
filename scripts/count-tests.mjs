// Prints `N passed, N failed` (and `, N skipped`) from the file of vitest's JSON reporter:
//
//   node scripts/count-tests.mjs RESULTS.json STATUS
//
// STATUS is the exit status of the test command. A test file that could not be loaded has no tests
// to count: it counts as one that failed.
import { readFileSync } from 'node:fs';

const [file, status] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
if (text === '') {
  console.error('error: no test was run.');
  process.exit(1);
}
const results = JSON.parse(text);
const isFailed = (test) => test.status === 'failed';
const unloaded = results.testResults.filter(
  (loaded) => isFailed(loaded) && !loaded.assertionResults.some(isFailed),
).length;
const failed = results.numFailedTests + unloaded;
const skipped = results.numPendingTests + results.numTodoTests;
if (status !== '0' && failed === 0) {
  // What no test owns, such as an unhandled rejection, which the reporter calls a success: no count
  // of tests would tell the truth.
  console.error('error: the run failed outside of its tests.');
  process.exit(1);
}
const parts = [`${results.numPassedTests} passed`, `${failed} failed`];
if (skipped > 0) parts.push(`${skipped} skipped`);
console.log(parts.join(', '));
