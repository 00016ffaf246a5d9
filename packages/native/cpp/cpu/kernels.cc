#include "cpu/kernels.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "head/error.h"

namespace headstart::cpu {
namespace {

struct Choice {
  const char* name;  // in HEADSTART_CPU
  const Kernels* kernels;
  bool runs_here;
};

// Best first.
const Choice* choices() {
#if defined(HEADSTART_X86)
  static const Choice all[] = {
      {"avx512", &avx512_kernels,
       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")},
      {"avx2", &avx2_kernels,
       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("f16c")},
      {"portable", &portable_kernels, true}};
#else
  static const Choice all[] = {{"portable", &portable_kernels, true}};
#endif
  return all;
}

}  // namespace

const Kernels& best_kernels() {
  const char* wanted = std::getenv("HEADSTART_CPU");
  const bool any = wanted == nullptr || *wanted == 0;
  for (const Choice* choice = choices();; ++choice) {
    if ((any || std::strcmp(choice->name, wanted) == 0) && choice->runs_here) {
      return *choice->kernels;
    }
    if (choice->kernels == &portable_kernels) break;
  }
  throw invalid_argument("HEADSTART_CPU is \"" + std::string(wanted) +
                         "\", which this processor does not run: leave it out, or say avx512, "
                         "avx2 or portable.");
}

const Products* bf16_products([[maybe_unused]] const Kernels& kernels) {
#if defined(HEADSTART_X86)
  if (&kernels == &avx512_kernels && __builtin_cpu_supports("avx512bf16")) {
    return &avx512_bf16_products;
  }
#endif
  return nullptr;
}

}  // namespace headstart::cpu
