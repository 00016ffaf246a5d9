// Reads the machine code of the addon's kernels with cuobjdump (part of the CUDA toolkit):
//
//   node scripts/check-cuda-code.mjs [ADDON]
//
// Products in tf32 and bf16 must be multiplied by tensor cores, those in fp32 must not; nothing may
// be added by atomics, as their order is not fixed; and products may keep nothing in local memory.
import { execFileSync } from 'node:child_process';

const [addon = 'packages/native/build/Release/headstart.node'] = process.argv.slice(2);

function cuobjdump(...args) {
  try {
    const options = { encoding: 'utf8', maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', 'pipe'] };
    return execFileSync('cuobjdump', [...args, addon], options);
  } catch (error) {
    if (error.code === 'ENOENT') {
      console.log('skipped: cuobjdump is not on the PATH');
      process.exit(0);
    }
    console.error(`error: cuobjdump cannot read ${addon}: ${error.stderr || error.message}`);
    process.exit(1);
  }
}

/** Kernels of one architecture: mangled name → what its instructions are, and how often. */
function instructionsOf(architecture) {
  const kernels = new Map();
  let counts;
  for (const line of cuobjdump('-sass', '-arch', architecture).split('\n')) {
    const name = /Function : (\S+)/.exec(line)?.[1];
    if (name) {
      counts = new Map();
      kernels.set(name, counts);
    }
    const instruction = /^\s+\/\*[0-9a-f]+\*\/\s+(?:@!?U?P\d+ )?([A-Z][\w.]+)/.exec(line)?.[1];
    if (instruction && counts) counts.set(instruction, (counts.get(instruction) ?? 0) + 1);
  }
  return kernels;
}

/** How many of a kernel's instructions match. */
function count(instructions, pattern) {
  let sum = 0;
  for (const [name, times] of instructions) if (pattern.test(name)) sum += times;
  return sum;
}

// The enumeration Math in a mangled name: 0 fp32, 1 tf32, 2 bf16.
const mathOf = (name) => ['fp32', 'tf32', 'bf16'][Number(/MathE(\d)E/.exec(name)?.[1])];
const wanted = { fp32: undefined, tf32: /^HMMA\..*TF32/, bf16: /^HMMA\..*BF16/ };

const architectures = [...new Set(cuobjdump('-lelf').match(/sm_\d+/g) ?? [])].sort();
if (architectures.length === 0) {
  console.error(`error: ${addon} holds no machine code for a GPU: it was built without CUDA.`);
  process.exit(1);
}
const faults = [];
for (const architecture of architectures) {
  const kernels = instructionsOf(architecture);
  const found = { fp32: 0, tf32: 0, bf16: 0 };
  for (const [name, instructions] of kernels) {
    const fault = (what) => faults.push(`${architecture} ${name}: ${what}`);
    const atomics = count(instructions, /^(ATOM|ATOMG|ATOMS|RED)(\.|$)/);
    if (atomics > 0) fault(`${atomics} atomic instructions`);
    const math = mathOf(name);
    if (!math) continue;
    found[math]++;
    const onTensorCores = count(instructions, /^HMMA/);
    if (wanted[math] && count(instructions, wanted[math]) === 0) fault('not on tensor cores');
    if (!wanted[math] && onTensorCores > 0) fault('fp32 on tensor cores');
    const local = count(instructions, /^(LDL|STL)/);
    if (local > 0) fault(`${local} accesses of local memory`);
  }
  const summary = Object.entries(found).map(([math, kernelCount]) => `${kernelCount} ${math}`);
  console.log(`${architecture}: ${kernels.size} kernels, products: ${summary.join(', ')}`);
  if (Object.values(found).includes(0))
    faults.push(`${architecture}: kernels of a kind are missing`);
}
for (const fault of faults) console.error(`error: ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
