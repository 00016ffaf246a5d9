#pragma once

#include "cpu/layer.h"

namespace headstart::cpu {

// The gradient of a 3x3 kernel whose convolution feeds a 2x2 max pool: of the four elements of a
// window at most one has a gradient that is not zero, so that only those are multiplied, each by
// the nine pixels around it. Always in float32.
//
// Elements are listed filter by filter; a task keeps some channels of the input close together,
// with a rim of zeros in place of padding, and goes through the lists.
class SparseKernelGradient {
 public:
  explicit SparseKernelGradient(const PlannedLayer& layer);

  // Whether this takes less time than the other ways.
  static bool suits(const PlannedLayer& layer) noexcept;

  // x: the convolution's input. d_y: [N, H, W, F], with at most one element of a window and filter
  // that is not zero. d_kernel: [3, 3, C, F].
  void run(const Compute& compute, const Input& x, const float* d_y, float* d_kernel);

  std::size_t bytes() const noexcept {
    return elements_.bytes() + counts_.bytes() + scratch_.bytes();
  }

 private:
  void list_elements(const Compute& compute, std::size_t samples, const float* d_y);
  void gather(const Kernels& kernels, const Input& x, std::size_t begin, std::size_t end,
              std::size_t channel, std::size_t channels, float* to) const;

  Shape map_;
  std::size_t inputs_;
  std::size_t filters_;
  std::size_t capacity_;            // elements of a list
  Buffer<SparseElement> elements_;  // [groups, F, capacity_]
  Buffer<std::uint32_t> counts_;    // [groups, F]
  Scratch<float> scratch_;
};

}  // namespace headstart::cpu
