#pragma once

#include <algorithm>
#include <cstddef>

#include "cpu/kernels.h"
#include "cpu/thread_pool.h"
#include "head/options.h"

namespace headstart::cpu {

// With what a pass is computed.
struct Compute {
  ThreadPool& pool;
  const Kernels& kernels;
  Precision precision;
  const Products& products;  // of the precision

  // Words of k numbers.
  std::size_t words(std::size_t k) const noexcept {
    return precision == Precision::bf16 ? (k + 1) / 2 : k;
  }
};

inline std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

inline std::size_t round_up(std::size_t a, std::size_t unit) { return ceil_div(a, unit) * unit; }

// How many rows of a product one task takes: some tasks for each thread, but none so small that
// handing it out costs more than it does.
inline std::size_t rows_of_task(const Compute& compute, std::size_t rows) {
  const std::size_t share = ceil_div(rows, std::size_t{4} * compute.pool.threads());
  return std::clamp(round_up(share, 8), std::size_t{16}, std::size_t{512});
}

}  // namespace headstart::cpu
