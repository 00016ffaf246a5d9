#pragma once

#include <vector>

#include "cpu/layer.h"

namespace headstart::cpu {

// The left operand of products: the pixels of N samples as rows of words. Used where they lie if
// that can be, else rounded into a copy.
class LeftRows {
 public:
  void prepare(const Compute& compute, const Input& x, std::size_t pixels, std::size_t channels);
  // x: [samples, pixels, channels].
  void prepare(const Compute& compute, const float* x, std::size_t samples, std::size_t pixels,
               std::size_t channels);

  const Word* at(std::size_t n, std::size_t pixel) const noexcept {
    return samples_[n] + pixel * stride_;
  }
  std::size_t bytes() const noexcept { return rounded_.bytes(); }

 private:
  std::vector<const Word*> samples_;
  std::size_t stride_ = 0;  // words of a pixel
  std::vector<const float*> rows_;
  Buffer<std::uint16_t> rounded_;
};

// The right operand of a kernel's gradient: the pixels of N samples as rows of words that may be
// read in whole panels. In bfloat16 a pair is two samples, so there are half as many rows, rounded
// up.
class GradientRows {
 public:
  // d_y: [samples, pixels, channels].
  void prepare(const Compute& compute, const float* d_y, std::size_t samples, std::size_t pixels,
               std::size_t channels);

  // s: a sample or a pair of samples.
  const Word* at(std::size_t s, std::size_t pixel) const noexcept {
    return data_ + (s * pixels_ + pixel) * stride_;
  }
  std::size_t bytes() const noexcept { return copy_.bytes() + rounded_.bytes(); }

 private:
  const Word* data_ = nullptr;
  std::size_t pixels_ = 0;
  std::size_t stride_ = 0;
  Buffer<Word> copy_;
  Scratch<std::uint16_t> rounded_;
};

}  // namespace headstart::cpu
