// Matrix products over the kernels: how operands are cut and shared among threads. Rows are given
// by pointers, so that a convolution is the same product over other rows.
#pragma once

#include <cstddef>
#include <span>

#include "cpu/buffer.h"
#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

namespace headstart::cpu {

struct Compute {
  ThreadPool& pool;
  const Kernels& kernels;
};

inline std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// How much of k one block takes: B's part of a panel stays in the second-level cache.
constexpr std::size_t k_block = 512;
// Rows that one task of a product takes.
constexpr std::size_t task_rows = 24;

// The right operand B [k, n] of products with the rows kernel, readable in whole panels. Used where
// it lies if its rows are whole panels, else copied with zeros behind.
class RightMatrix {
 public:
  // source is [k, n]; it must outlive the product.
  void prepare(const Compute& compute, const float* source, std::size_t k, std::size_t n);
  // source is [n, k] and is read transposed.
  void prepare_transposed(const Compute& compute, const float* source, std::size_t k,
                          std::size_t n);

  std::size_t k() const noexcept { return k_; }
  std::size_t n() const noexcept { return n_; }
  std::size_t panels() const noexcept { return ceil_div(n_, panel_); }
  std::size_t panel() const noexcept { return panel_; }
  std::size_t columns(std::size_t p) const noexcept {
    return p * panel_ + panel_ <= n_ ? panel_ : n_ - p * panel_;
  }
  // Row k of panel p.
  const float* at(std::size_t p, std::size_t k) const noexcept {
    return data_ + p * panel_stride_ + k * ldb_;
  }
  std::size_t ldb() const noexcept { return ldb_; }
  std::size_t bytes() const noexcept { return packed_.bytes(); }

 private:
  void set(const Compute& compute, std::size_t k, std::size_t n);

  const float* data_ = nullptr;
  std::size_t k_ = 0;
  std::size_t n_ = 0;
  std::size_t panel_ = 0;
  std::size_t panel_stride_ = 0;
  std::size_t ldb_ = 0;
  Buffer<float> packed_;
};

// Rows [count, n] that may be read in whole panels: where they lie, or copied with zeros behind.
class PaddedRows {
 public:
  void prepare(const Compute& compute, const float* source, std::size_t count, std::size_t n);
  const float* row(std::size_t i) const noexcept { return data_ + i * stride_; }
  std::size_t bytes() const noexcept { return copy_.bytes(); }

 private:
  const float* data_ = nullptr;
  std::size_t stride_ = 0;
  Buffer<float> copy_;
};

// c[i][0 … n) += a[i] · B over B's rows [k_begin, k_begin + k): one thread's part.
// a[i] points to the element that meets B's row k_begin; c[i] to column 0.
void add_rows_product(const Kernels& kernels, std::span<const float* const> a,
                      std::span<float* const> c, const RightMatrix& b, std::size_t k_begin,
                      std::size_t k);

// C [rows, n] = A · B, or plus bias [n] in every row where it is given. a: rows pointers to k
// floats.
void multiply(const Compute& compute, std::span<const float* const> a, const RightMatrix& b,
              const float* bias, float* c);

// C [m, n] = Aᵀ · B: a points to rows of m floats, b holds as many rows of n floats.
void multiply_transposed(const Compute& compute, std::span<const float* const> a, std::size_t m,
                         const PaddedRows& b, std::size_t n, float* c);

// sums [n] = the sum of rows [count, n], in order.
void sum_rows(const float* rows, std::size_t count, std::size_t n, float* sums);

}  // namespace headstart::cpu
