#include "cpu/gemm.h"

#include <algorithm>
#include <array>

namespace headstart::cpu {
namespace {

// Rows of C = Aᵀ · B that one task takes.
constexpr std::size_t outer_task_rows = 48;

}  // namespace

void RightMatrix::set(const Compute& compute, std::size_t k, std::size_t n) {
  k_ = k;
  n_ = n;
  panel_ = compute.kernels.panel;
}

void RightMatrix::prepare(const Compute& compute, const float* source, std::size_t k,
                          std::size_t n) {
  set(compute, k, n);
  // Rows far apart would fall into few cache sets.
  constexpr std::size_t widest_in_place = 256;
  if (n % panel_ == 0 && n <= widest_in_place) {
    data_ = source;
    panel_stride_ = panel_;
    ldb_ = n;
    return;
  }
  panel_stride_ = k * panel_;
  ldb_ = panel_;
  float* packed = packed_.require(panels() * panel_stride_);
  compute.pool.run(panels(), [&](std::size_t p) {
    const std::size_t used = columns(p);
    for (std::size_t i = 0; i < k; ++i) {
      float* to = packed + p * panel_stride_ + i * panel_;
      std::copy_n(source + i * n + p * panel_, used, to);
      std::fill(to + used, to + panel_, 0.0f);
    }
  });
  data_ = packed;
}

void RightMatrix::prepare_transposed(const Compute& compute, const float* source, std::size_t k,
                                     std::size_t n) {
  set(compute, k, n);
  panel_stride_ = k * panel_;
  ldb_ = panel_;
  float* packed = packed_.require(panels() * panel_stride_);
  compute.pool.run(panels(), [&](std::size_t p) {
    const std::size_t used = columns(p);
    float* to = packed + p * panel_stride_;
    if (used < panel_) std::fill_n(to, panel_stride_, 0.0f);
    for (std::size_t j = 0; j < used; ++j) {
      const float* from = source + (p * panel_ + j) * k;
      for (std::size_t i = 0; i < k; ++i) to[i * panel_ + j] = from[i];
    }
  });
  data_ = packed;
}

void PaddedRows::prepare(const Compute& compute, const float* source, std::size_t count,
                         std::size_t n) {
  const std::size_t panel = compute.kernels.panel;
  stride_ = ceil_div(n, panel) * panel;
  if (stride_ == n) {
    data_ = source;
    return;
  }
  float* copy = copy_.require(count * stride_);
  for (std::size_t i = 0; i < count; ++i) {
    float* to = copy + i * stride_;
    std::copy_n(source + i * n, n, to);
    std::fill(to + n, to + stride_, 0.0f);
  }
  data_ = copy;
}

void add_rows_product(const Kernels& kernels, std::span<const float* const> a,
                      std::span<float* const> c, const RightMatrix& b, std::size_t k_begin,
                      std::size_t k) {
  std::array<const float*, 256> left;
  std::array<float*, 256> out;
  for (std::size_t begin = 0; begin < a.size(); begin += left.size()) {
    const std::size_t rows = std::min(left.size(), a.size() - begin);
    for (std::size_t done = 0; done < k; done += k_block) {
      for (std::size_t i = 0; i < rows; ++i) left[i] = a[begin + i] + done;
      for (std::size_t p = 0; p < b.panels(); ++p) {
        for (std::size_t i = 0; i < rows; ++i) out[i] = c[begin + i] + p * b.panel();
        kernels.rows({left.data(), out.data(), rows, b.at(p, k_begin + done), b.ldb(),
                      std::min(k_block, k - done), b.columns(p)});
      }
    }
  }
}

void multiply(const Compute& compute, std::span<const float* const> a, const RightMatrix& b,
              const float* bias, float* c) {
  const std::size_t groups = ceil_div(a.size(), task_rows);
  compute.pool.run(groups * b.panels(), [&](std::size_t task) {
    const std::size_t p = task % b.panels();
    const std::size_t begin = task / b.panels() * task_rows;
    const std::size_t rows = std::min(task_rows, a.size() - begin);
    const std::size_t columns = b.columns(p);
    std::array<const float*, task_rows> left;
    std::array<float*, task_rows> out;
    for (std::size_t i = 0; i < rows; ++i) {
      out[i] = c + (begin + i) * b.n() + p * b.panel();
      if (bias) {
        std::copy_n(bias + p * b.panel(), columns, out[i]);
      } else {
        std::fill_n(out[i], columns, 0.0f);
      }
    }
    for (std::size_t done = 0; done < b.k(); done += k_block) {
      for (std::size_t i = 0; i < rows; ++i) left[i] = a[begin + i] + done;
      compute.kernels.rows({left.data(), out.data(), rows, b.at(p, done), b.ldb(),
                            std::min(k_block, b.k() - done), columns});
    }
  });
}

void multiply_transposed(const Compute& compute, std::span<const float* const> a, std::size_t m,
                         const PaddedRows& b, std::size_t n, float* c) {
  const std::size_t panel = compute.kernels.panel;
  const std::size_t panels = ceil_div(n, panel);
  const std::size_t groups = ceil_div(m, outer_task_rows);
  compute.pool.run(groups * panels, [&](std::size_t task) {
    const std::size_t column = task % panels * panel;
    const std::size_t begin = task / panels * outer_task_rows;
    const std::size_t rows = std::min(outer_task_rows, m - begin);
    const std::size_t columns = std::min(panel, n - column);
    float* out = c + begin * n + column;
    for (std::size_t i = 0; i < rows; ++i) std::fill_n(out + i * n, columns, 0.0f);
    std::array<const float*, k_block> left;
    std::array<const float*, k_block> right;
    for (std::size_t done = 0; done < a.size(); done += k_block) {
      const std::size_t count = std::min(k_block, a.size() - done);
      for (std::size_t i = 0; i < count; ++i) {
        left[i] = a[done + i] + begin;
        right[i] = b.row(done + i) + column;
      }
      compute.kernels.outer({left.data(), right.data(), count, out, n, rows, columns});
    }
  });
}

void sum_rows(const float* rows, std::size_t count, std::size_t n, float* sums) {
  std::fill_n(sums, n, 0.0f);
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = rows + i * n;
    for (std::size_t j = 0; j < n; ++j) sums[j] += row[j];
  }
}

}  // namespace headstart::cpu
