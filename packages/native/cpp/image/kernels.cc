#include "image/kernels.h"

#include "cpu/kernels.h"

namespace headstart::image {

const Kernels& best_kernels() {
#if defined(HEADSTART_X86)
  const cpu::Kernels* best = &cpu::best_kernels();
  if (best == &cpu::avx512_kernels) return avx512_kernels;
  if (best == &cpu::avx2_kernels) return avx2_kernels;
#endif
  return portable_kernels;
}

}  // namespace headstart::image
