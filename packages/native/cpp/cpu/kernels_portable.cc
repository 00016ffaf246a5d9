// Four lanes: SSE2 on x86-64, NEON on 64-bit ARM (which has registers for taller blocks).
#define HEADSTART_LANES 4
#if defined(__aarch64__)
#define HEADSTART_ROWS 12
#else
#define HEADSTART_ROWS 6
#endif
#include "cpu/kernels_inl.h"

namespace headstart::cpu {
#if defined(__aarch64__)
const Kernels portable_kernels = kernels_named("NEON");
#else
const Kernels portable_kernels = kernels_named("portable");
#endif
}  // namespace headstart::cpu
