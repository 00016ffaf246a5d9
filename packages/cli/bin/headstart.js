#!/usr/bin/env node
// Kept parsable by old versions of Node, so that it can say what is wrong there.
const [major, minor] = process.versions.node.split('.').map(Number);

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

if (major < 20 || (major === 20 && minor < 19)) {
  fail(
    `Headstart needs Node 20.19 or newer; this is Node ${process.versions.node}. Install a newer one from https://nodejs.org.`,
  );
} else {
  import('../dist/main.js')
    .then((cli) => cli.main(process.argv))
    .catch((error) =>
      fail(
        error && error.code === 'ERR_MODULE_NOT_FOUND'
          ? `${error.message}\nBuild Headstart first: npm run build.`
          : error,
      ),
    );
}
