#pragma once

#include <cstddef>

#include "cpu/kernels.h"

namespace headstart::cpu {

// One head's parameters and moments, and the step that is made of their gradient. Moments that the
// optimizer has not are null.
struct HeadUpdate {
  float* weights;
  float* first_moment;
  float* second_moment;
  UpdateStep step;

  // gradients: those of parameters [begin, begin + count).
  void apply(const Kernels& kernels, std::size_t begin, std::size_t count,
             const float* gradients) const {
    const auto from = [begin](float* array) { return array ? array + begin : nullptr; };
    kernels.update({weights + begin, from(first_moment), from(second_moment), gradients, count},
                   step);
  }
};

}  // namespace headstart::cpu
