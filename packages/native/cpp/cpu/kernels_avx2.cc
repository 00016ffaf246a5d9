#define HEADSTART_LANES 8
#define HEADSTART_ROWS 6
#include "cpu/kernels_inl.h"

namespace headstart::cpu {
const Kernels avx2_kernels = kernels_named("AVX2");
}
