#include "cpu/int8_kernels.h"

#include "cpu/kernels.h"
#if defined(HEADSTART_X86)
#include <cpuid.h>
#endif

namespace headstart::cpu {
namespace {

#if defined(HEADSTART_X86)
// Not every compiler's __builtin_cpu_supports knows it.
bool has_avx_vnni() {
  constexpr unsigned bit = 1u << 4;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & bit) != 0;
}
#endif

}  // namespace

const Int8Kernels& best_int8_kernels() {
#if defined(HEADSTART_X86)
  const Kernels& allowed = best_kernels();
  if (&allowed == &avx512_kernels && __builtin_cpu_supports("avx512vnni")) {
    return avx512_vnni_int8_kernels;
  }
  if (&allowed != &portable_kernels && has_avx_vnni()) return avx_vnni_int8_kernels;
#endif
  return portable_int8_kernels;
}

}  // namespace headstart::cpu
