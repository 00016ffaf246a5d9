#define HEADSTART_LANES 16
#include "image/kernels_inl.h"

namespace headstart::image {
const Kernels avx512_kernels = kernels;
}
