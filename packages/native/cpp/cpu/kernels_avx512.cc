#define HEADSTART_LANES 16
#define HEADSTART_ROWS 8
#include "cpu/kernels_inl.h"

namespace headstart::cpu {
const Kernels avx512_kernels = kernels_named("AVX-512");
}
