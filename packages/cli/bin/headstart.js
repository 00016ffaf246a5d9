#!/usr/bin/env node
// Kept parsable by old versions of Node, so that it can say what is wrong there.

var parts = process.versions.node.split('.').map(Number);
if (parts[0] < 20 || (parts[0] === 20 && parts[1] < 19)) {
  console.error(
    'Headstart needs Node 20.19 or newer; this is Node ' +
      process.versions.node +
      '. Install a newer one from https://nodejs.org.',
  );
  process.exitCode = 1;
} else {
  import('../dist/main.js').then((cli) => cli.main(process.argv));
}
