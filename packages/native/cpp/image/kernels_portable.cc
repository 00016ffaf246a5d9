#define HEADSTART_LANES 4
#include "image/kernels_inl.h"

namespace headstart::image {
const Kernels portable_kernels = kernels;
}
