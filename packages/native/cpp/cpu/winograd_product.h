#pragma once

#include <span>

#include "cpu/layer.h"
#include "cpu/right_matrix.h"

namespace headstart::cpu {

// Same-padded 3x3 convolution in float32 by minimal filtering F(4, 3) along the width
// (S. Winograd, 1980; A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks",
// 2016): the six pixels of an input row that four output pixels see, and the three taps of a kernel
// row, are each mapped to six points; products at the points, summed over channels and kernel rows,
// are mapped back. Six multiplications take the place of twelve, at the price of a few bits: errors
// are about four times those of plain sums. Kernel rows that would meet padding are left out.
//
// A tile is four output pixels of one row; T tiles make a row, the last may hang over.
struct Tiles {
  explicit Tiles(const Shape& map)
      : height(map.height), width(map.width), across((map.width + 3) / 4) {}

  std::size_t per_sample() const noexcept { return height * across; }

  static constexpr std::size_t points = 6;
  static constexpr std::size_t pixels = 4;
  static constexpr std::size_t kernel_rows = 3;

  std::size_t height;
  std::size_t width;
  std::size_t across;  // T
};

// Floats from one point's [rows, channels] to the next one's: apart enough that the same element of
// all points does not fall into one set of the cache.
constexpr std::size_t point_stride(std::size_t rows, std::size_t channels) noexcept {
  return rows * channels + 80;
}

// points [6, samples, H, T, channels], each point_stride() behind the one before: channels
// [channel, channel + channels) of each sample's pixels at the points. samples: pointers to
// [H, W, stride]. zeros: channels of them.
void map_input(const Kernels& kernels, const Tiles& tiles, std::span<const float* const> samples,
               std::size_t stride, std::size_t channel, std::size_t channels, const float* zeros,
               float* points, std::size_t row_floats);

// The convolution of one map shape and kernel size.
class WinogradProduct {
 public:
  WinogradProduct(const Shape& map, std::size_t inputs, std::size_t filters);

  // kernel: [3, 3, inputs, filters]. x: N pointers to [H, W, inputs]. y [N, H, W, filters] gets the
  // convolution, plus bias [filters] where given.
  void run(const Compute& compute, const float* kernel, std::span<const float* const> x,
           const float* bias, float* y);

  std::size_t bytes() const noexcept {
    return kernel_points_.bytes() + right_.bytes() + scratch_.bytes();
  }

 private:
  void map_kernel(const Compute& compute, const float* kernel);
  void add_products(const Compute& compute, std::size_t samples, std::size_t channel,
                    std::size_t channels, const float* points, float* sums) const;
  void map_output(const Compute& compute, std::size_t samples, const float* sums,
                  const float* bias, float* spare, float* y) const;

  Shape map_;
  Tiles tiles_;
  std::size_t inputs_;
  std::size_t filters_;
  Buffer<float> kernel_points_;  // [3, 6, inputs, filters]
  RightMatrix right_;
  Scratch<float> scratch_;
};

}  // namespace headstart::cpu
