#pragma once

#include <cuda_runtime.h>

#include "cuda/step.h"

namespace headstart::cuda {

// What follows a product, or stands alone: bias, ReLU, 2x2 max pool, dropout, in this order, each
// there or not. Applied to numbers of [height, width, channels] a sample.
struct Finish {
  Steps steps;
  unsigned height;
  unsigned width;
  unsigned channels;
  bool relu;
  bool max_pool;
  bool dropout;  // off where a pass does not train
  DropoutNumbers rate;
  std::uint32_t layer;  // names the dropout layer's stream
  // Parts of a product, as Product writes them, or, if null, samples of x.
  const float* parts;
  std::size_t parts_stride;
  std::size_t split_stride;
  unsigned splits;
  Source x;
  const float* bias;  // null: none
  std::size_t bias_stride;
  // [N, output] a head, stride apart: the result, and for each number what backward needs: which
  // pixel of its window it is from (0 … 3), or `stopped` where no gradient passes.
  float* y;
  std::uint8_t* choices;
  std::size_t y_stride;

  constexpr unsigned pooled(unsigned side) const noexcept {
    return max_pool ? (side + 1) / 2 : side;
  }
  constexpr std::size_t input_size() const noexcept {
    return static_cast<std::size_t>(height) * width * channels;
  }
  constexpr std::size_t output_size() const noexcept {
    return static_cast<std::size_t>(pooled(height)) * pooled(width) * channels;
  }
};

// samples: the most that a head has.
void finish_forward(const Finish& finish, unsigned samples, cudaStream_t stream);

// d_x [N, height, width, channels] a head from the gradient by y, which lies in parts.
struct Parts {
  const float* data;
  std::size_t stride;  // of heads
  std::size_t split_stride;
  unsigned splits;
};
void finish_backward(const Finish& finish, const Parts& d_y, float* d_x, std::size_t d_x_stride,
                     unsigned samples, cudaStream_t stream);

// The mean over height and width, [N, channels].
void average_forward(const Finish& finish, unsigned samples, cudaStream_t stream);
void average_backward(const Finish& finish, const Parts& d_y, float* d_x, std::size_t d_x_stride,
                      unsigned samples, cudaStream_t stream);

// out [columns] a head = the sum over rows of d_y [N * pixels, columns].
void sum_rows(const Steps& steps, const float* d_y, std::size_t d_y_stride, unsigned pixels,
              unsigned columns, float* out, std::size_t out_stride, cudaStream_t stream);

}  // namespace headstart::cuda
