#define HEADSTART_LANES 16
#define HEADSTART_ROWS 12
#include "cpu/kernels_inl.h"

namespace headstart::cpu {
const Kernels avx512_kernels = {"AVX-512", panel, rows, outer, adam, half_to_float};
}
