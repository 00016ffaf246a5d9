// The inner loop of sparse_kernel_gradient.h; see vectors_inl.h.
#pragma once

#include "cpu/vectors_inl.h"

namespace headstart::cpu {
namespace {

// One sum for each tap of a 3x3 kernel stays in a register while a filter's elements go by.
void sparse_taps(const SparseTaps& block) {
  for (std::size_t c = 0; c < block.channels; c += lanes) {
    const float* x = block.x + c;
    for (std::size_t f = 0; f < block.filters; ++f) {
      float* to = block.sums + f * 9 * block.channels + c;
      Vector sums[9];
      for (std::size_t tap = 0; tap < 9; ++tap) sums[tap] = load(to + tap * block.channels);
      const SparseElement* element = block.elements + f * block.capacity;
      const SparseElement* const end = element + block.counts[f];
      for (; element != end; ++element) {
        const Vector value = broadcast(element->value);
        const float* row = x + element->offset;
        for (std::size_t dy = 0; dy < 3; ++dy, row += block.row) {
          for (std::size_t dx = 0; dx < 3; ++dx) {
            sums[dy * 3 + dx] += value * load(row + dx * block.channels);
          }
        }
      }
      for (std::size_t tap = 0; tap < 9; ++tap) store(to + tap * block.channels, sums[tap]);
    }
  }
}

}  // namespace
}  // namespace headstart::cpu
