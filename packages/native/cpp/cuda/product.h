#pragma once

#include <cuda_runtime.h>

#include "cuda/step.h"

namespace headstart::cuda {

// A convolution (same padding, stride 1) or dense layer: one pixel and a kernel of one tap.
struct ProductShape {
  unsigned height;
  unsigned width;
  unsigned side;  // of the kernel: 1 or 3
  unsigned inputs;
  unsigned filters;

  constexpr unsigned pixels() const noexcept { return height * width; }
  constexpr unsigned taps() const noexcept { return side * side; }
};

// Sums of products are cut into `splits` parts that are added later, in order: one head must keep
// many multiprocessors busy. The number of parts depends on the shape alone.
struct Product {
  Steps steps;
  ProductShape shape;
  unsigned splits;
  Source x;              // [N, height, width, inputs]
  const float* weights;  // [taps, inputs, filters], a head's weights_stride behind the one before
  std::size_t weights_stride;
  const float* d_y;  // [N, height, width, filters] a head
  std::size_t d_y_stride;
  // What is written; part s of head h at out + h * out_stride + s * split_stride.
  float* out;
  std::size_t out_stride;
  std::size_t split_stride;
};

unsigned forward_splits(const ProductShape& shape);
unsigned input_gradient_splits(const ProductShape& shape);
unsigned kernel_gradient_splits(const ProductShape& shape);

// Whether the code that this device runs was compiled for tensor cores, which tf32 and bf16 need:
// the device may have them, but the build may hold older code alone. Makes a context on the device.
bool multiplies_on_tensor_cores();

// out: x * weights, [N, height, width, filters]. samples: the most that a head has.
void forward_product(const Product& product, Math math, unsigned samples, cudaStream_t stream);
// out: the gradient by x from d_y, [N, height, width, inputs].
void input_gradient(const Product& product, Math math, unsigned samples, cudaStream_t stream);
// out: the gradient by the weights from x and d_y, [taps, inputs, filters].
void kernel_gradient(const Product& product, Math math, cudaStream_t stream);

}  // namespace headstart::cuda
