#include "cpu/right_matrix.h"

#include <cstring>

namespace headstart::cpu {

void RightMatrix::set(const Compute& compute, std::size_t k, std::size_t n) {
  words_ = compute.words(k);
  n_ = n;
  width_ = n <= compute.kernels.lanes ? compute.kernels.lanes : compute.kernels.panel;
}

Word* RightMatrix::pack(const Compute& compute, std::size_t groups, std::size_t k, std::size_t n) {
  set(compute, k, n);
  panel_stride_ = groups * words_ * width_;
  ldb_ = width_;
  Word* packed = packed_.require(panels() * panel_stride_);
  data_ = packed;
  return packed;
}

void RightMatrix::prepare(const Compute& compute, const float* source, std::size_t groups,
                          std::size_t k, std::size_t n) {
  const bool pairs = compute.precision == Precision::bf16;
  set(compute, k, n);
  // Rows far apart would fall into few cache sets.
  constexpr std::size_t widest_in_place = 256;
  if (!pairs && n % width_ == 0 && n <= widest_in_place) {
    data_ = source;
    panel_stride_ = width_;
    ldb_ = n;
    return;
  }
  Word* packed = pack(compute, groups, k, n);
  rounded_.require(compute.pool.threads(), 2 * width_);
  const auto pack_row = [&](const float* from, bool has_next, std::size_t used, Word* to,
                            unsigned worker) {
    if (!pairs) {
      std::copy_n(from, used, to);
      return;
    }
    std::uint16_t* lower = rounded_.of(worker);
    std::uint16_t* upper = lower + width_;
    compute.kernels.float_to_bfloat16(from, lower, used);
    if (has_next) compute.kernels.float_to_bfloat16(from + n, upper, used);
    compute.kernels.pair_bfloat16(lower, has_next ? upper : nullptr, to, used);
  };
  const std::size_t step = pairs ? 2 : 1;
  compute.pool.run(panels() * groups, [&](std::size_t task, unsigned worker) {
    const std::size_t p = task % panels();
    const std::size_t group = task / panels();
    const std::size_t used = columns(p);
    for (std::size_t word = 0; word < words_; ++word) {
      const std::size_t row = word * step;
      Word* to = packed + p * panel_stride_ + (group * words_ + word) * width_;
      pack_row(source + (group * k + row) * n + p * width_, row + 1 < k, used, to, worker);
      std::fill(to + used, to + width_, 0.0f);
    }
  });
}

void RightMatrix::prepare_transposed(const Compute& compute, const float* source,
                                     std::size_t groups, std::size_t k, std::size_t n) {
  const bool pairs = compute.precision == Precision::bf16;
  Word* packed = pack(compute, groups, k, n);
  if (pairs) rounded_.require(compute.pool.threads(), 2 * words_);
  compute.pool.run(panels() * groups, [&](std::size_t task, unsigned worker) {
    const std::size_t p = task % panels();
    const std::size_t group = task / panels();
    const std::size_t used = columns(p);
    Word* to = packed + p * panel_stride_ + group * words_ * width_;
    if (used < width_) std::fill_n(to, words_ * width_, 0.0f);
    for (std::size_t j = 0; j < used; ++j) {
      const float* from = source + (group * n + p * width_ + j) * k;
      if (!pairs) {
        for (std::size_t i = 0; i < k; ++i) to[i * width_ + j] = from[i];
        continue;
      }
      std::uint16_t* row = rounded_.of(worker);
      compute.kernels.float_to_bfloat16(from, row, k);
      if (k % 2 == 1) row[k] = 0;
      for (std::size_t i = 0; i < words_; ++i) {
        std::memcpy(to + i * width_ + j, row + 2 * i, sizeof(Word));
      }
    }
  });
}

}  // namespace headstart::cpu
