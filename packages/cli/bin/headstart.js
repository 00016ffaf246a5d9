#!/usr/bin/env node
// Kept parsable by old versions of Node, so that it can say what is wrong there.
const [major, minor] = process.versions.node.split('.').map(Number);

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

/** What to do about an error of loading the program; undefined where nobody knows. */
async function remedyOf(error) {
  if (error.code === 'EMFILE' || error.code === 'ENFILE') {
    return 'Too many files are open: raise the limit (ulimit -n).';
  }
  if (error.code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  const { existsSync } = await import('node:fs');
  const isBuilt = existsSync(new URL('../dist/main.js', import.meta.url));
  // A file that is absent has an address, a package that is absent has none.
  if (!isBuilt || /[/\\](core|native)[/\\]dist[/\\]/.test(error.url || '')) {
    return 'Build Headstart first: npm run build.';
  }
  return 'Install Headstart again; if the package is there, raise the limit of open files (ulimit -n).';
}

if (major < 20 || (major === 20 && minor < 19)) {
  fail(
    `Headstart needs Node 20.19 or newer; this is Node ${process.versions.node}. Install a newer one from https://nodejs.org.`,
  );
} else {
  import('../dist/main.js')
    .then((cli) => cli.main(process.argv))
    .catch(async (error) => {
      const remedy = error instanceof Error ? await remedyOf(error) : undefined;
      fail(remedy ? `${error.message}\n${remedy}` : error);
    });
}
