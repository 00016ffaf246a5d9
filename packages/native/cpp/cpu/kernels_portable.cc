#define HEADSTART_LANES 4
#if defined(__aarch64__)
#define HEADSTART_ROWS 12
#else
#define HEADSTART_ROWS 6
#endif
#include "cpu/kernels_inl.h"

namespace headstart::cpu {
#if defined(__aarch64__)
const Kernels portable_kernels = {"NEON", panel, rows, outer, adam, half_to_float};
#else
const Kernels portable_kernels = {"portable", panel, rows, outer, adam, half_to_float};
#endif
}  // namespace headstart::cpu
