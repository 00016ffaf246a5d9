#define HEADSTART_LANES 8
#include "image/kernels_inl.h"

namespace headstart::image {
const Kernels avx2_kernels = kernels;
}
