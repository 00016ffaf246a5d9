// What compiling the addon needs. The syntax is kept to what old versions of Node parse.
import { execFileSync } from 'node:child_process';

const oldestCmake = [3, 24];

const howToGet =
  'Debian and Ubuntu: apt install g++ cmake. Fedora: dnf install gcc-c++ cmake. macOS: xcode-select --install, brew install cmake. Windows: Visual Studio Build Tools with C++ and CMake.';

export function isOlder(version, oldest) {
  const [major, minor] = version.split('.').map(Number);
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
}

function outputOf(command, args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}

/** What is missing to compile the addon, and how to get it; undefined where nothing is. */
export function missingTool() {
  const cmake = /cmake version (\d+\.\d+)/.exec(outputOf('cmake', ['--version']) || '');
  if (!cmake) return `CMake is missing. ${howToGet}`;
  if (isOlder(cmake[1], oldestCmake)) {
    return `CMake ${oldestCmake.join('.')} or newer is needed; this is ${cmake[1]}. ${howToGet}`;
  }
  if (process.platform === 'win32') return undefined;
  const compilers = [process.env.CXX, 'c++', 'g++', 'clang++'].filter(Boolean);
  if (compilers.some((name) => outputOf(name, ['--version']))) return undefined;
  return `A C++ compiler is missing. ${howToGet}`;
}
