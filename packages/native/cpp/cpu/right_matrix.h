#pragma once

#include <cstddef>

#include "cpu/buffer.h"
#include "cpu/compute.h"

namespace headstart::cpu {

// The right operands B [k, n] of a group of products with the rows kernel, in words, readable in
// whole panels. Used where they lie if that can be, else copied with zeros behind.
class RightMatrix {
 public:
  // source: [groups, k, n]; it must outlive the products.
  void prepare(const Compute& compute, const float* source, std::size_t groups, std::size_t k,
               std::size_t n);
  // source: [groups, n, k], read transposed.
  void prepare_transposed(const Compute& compute, const float* source, std::size_t groups,
                          std::size_t k, std::size_t n);

  // Words of one group's k.
  std::size_t words() const noexcept { return words_; }
  std::size_t panels() const noexcept { return ceil_div(n_, width_); }
  // Columns of a panel, and those of them that are the matrix's.
  std::size_t width() const noexcept { return width_; }
  std::size_t columns(std::size_t p) const noexcept { return std::min(width_, n_ - p * width_); }
  // Row `word` of a group, in panel p; the next row is ldb() further.
  const Word* at(std::size_t p, std::size_t group, std::size_t word) const noexcept {
    return data_ + p * panel_stride_ + (group * words_ + word) * ldb_;
  }
  std::size_t ldb() const noexcept { return ldb_; }
  std::size_t bytes() const noexcept { return packed_.bytes() + rounded_.bytes(); }

 private:
  Word* pack(const Compute& compute, std::size_t groups, std::size_t k, std::size_t n);
  void set(const Compute& compute, std::size_t k, std::size_t n);

  const Word* data_ = nullptr;
  std::size_t words_ = 0;
  std::size_t n_ = 0;
  std::size_t width_ = 1;
  std::size_t panel_stride_ = 0;
  std::size_t ldb_ = 0;
  Buffer<Word> packed_;
  Scratch<std::uint16_t> rounded_;
};

}  // namespace headstart::cpu
