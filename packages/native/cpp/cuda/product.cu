// Products of layers as implicit GEMM: a block of 128 threads computes 64 x 32 sums, 32 terms at a
// time, from tiles in shared memory; the next terms are fetched meanwhile.
#include "cuda/product.h"
#include "cuda/product_tiles.cuh"

namespace headstart::cuda {
namespace {

// A thread's sixteen sums. On tensor cores a warp has 16 rows, and [t][i] is what mma calls c_i of
// the eight columns from 8 t on; else [i][j] is row i of four, 16 apart, and column j, 8 apart.
struct Sums16 {
  float v[4][4];
};

template <Math math>
__device__ void place_of(int i, int j, int& row, int& column) {
  if constexpr (math == Math::fp32) {
    row = thread() / 8 + 16 * i;
    column = thread() % 8 + 8 * j;
  } else {
    const int lane = thread() % 32;
    row = thread() / 32 * 16 + lane / 4 + (j >= 2 ? 8 : 0);
    column = i * 8 + lane % 4 * 2 + j % 2;
  }
}

template <Math math>
__device__ void add_tile(const std::uint32_t* left, const std::uint32_t* right, Sums16& sums) {
  constexpr int words = row_words<math>;
  if constexpr (math == Math::fp32) {
    // Rows begin four banks apart: a warp reads its four rows and eight columns, four terms each,
    // without a conflict.
    const std::uint32_t* a = left + thread() / 8 * words;
    const std::uint32_t* b = right + thread() % 8 * words;
#pragma unroll
    for (int k = 0; k < tile_terms; k += 4) {
      Float4 as[4];
      Float4 bs[4];
      for (int i = 0; i < 4; ++i) {
        as[i] = *reinterpret_cast<const Float4*>(a + 16 * i * words + k);
        bs[i] = *reinterpret_cast<const Float4*>(b + 8 * i * words + k);
      }
      for (int t = 0; t < 4; ++t) {
        for (int i = 0; i < 4; ++i) {
          for (int j = 0; j < 4; ++j) sums.v[i][j] += as[i].v[t] * bs[j].v[t];
        }
      }
    }
  } else {
    // Fragments of both kinds of product lie alike, in words: a step takes eight.
    const int lane = thread() % 32;
    const std::uint32_t* a = left + (thread() / 32 * 16 + lane / 4) * words + lane % 4;
    const std::uint32_t* b = right + lane / 4 * words + lane % 4;
    constexpr int used = words - 4;
#pragma unroll
    for (int k = 0; k < used; k += 8) {
      const std::uint32_t as[4] = {a[k], a[8 * words + k], a[k + 4], a[8 * words + k + 4]};
      std::uint32_t bs[4][2];
      for (int t = 0; t < 4; ++t) {
        bs[t][0] = b[t * 8 * words + k];
        bs[t][1] = b[t * 8 * words + k + 4];
      }
      if constexpr (math == Math::tf32) {
        multiply_tf32(sums.v, as, bs);
      } else {
        multiply_bf16(sums.v, as, bs);
      }
    }
  }
}

// Blocks [begin, end) of terms, summed in order.
template <Math math, class Left, class Right>
__device__ Sums16 multiply(Left& left, Right& right, unsigned begin, unsigned end) {
  alignas(16) __shared__ std::uint32_t left_tile[tile_rows * row_words<math>];
  alignas(16) __shared__ std::uint32_t right_tile[tile_columns * row_words<math>];
  Sums16 sums = {};
  if (begin < end) {
    left.fetch(begin);
    right.fetch(begin);
  }
  for (unsigned block = begin; block < end; ++block) {
    left.template put<math>(left_tile);
    right.template put<math>(right_tile);
    __syncthreads();
    if (block + 1 < end) {
      left.fetch(block + 1);
      right.fetch(block + 1);
    }
    add_tile<math>(left_tile, right_tile, sums);
    __syncthreads();
  }
  return sums;
}

// out: [rows, columns].
template <Math math>
__device__ void write(const Sums16& sums, float* out, unsigned first_row, unsigned rows,
                      unsigned first_column, unsigned columns) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      int row = 0;
      int column = 0;
      place_of<math>(i, j, row, column);
      const unsigned m = first_row + static_cast<unsigned>(row);
      const unsigned n = first_column + static_cast<unsigned>(column);
      if (m < rows && n < columns) out[static_cast<std::size_t>(m) * columns + n] = sums.v[i][j];
    }
  }
}

// The blocks of terms of one part.
struct Part {
  unsigned begin;
  unsigned end;
};

inline __device__ Part part_of(unsigned blocks, unsigned splits) {
  return {blocks * blockIdx.y / splits, blocks * (blockIdx.y + 1) / splits};
}

inline __device__ float* out_of(const Product& p, unsigned head) {
  return p.out + head * p.out_stride + blockIdx.y * p.split_stride;
}

template <Math math, class T>
__global__ void __launch_bounds__(block_threads) forward_kernel(Product p) {
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(p.steps, head);
  const unsigned rows = step.count * p.shape.pixels();
  const unsigned across = (p.shape.filters + tile_columns - 1) / tile_columns;
  const unsigned row = blockIdx.x / across * tile_rows;
  const unsigned column = blockIdx.x % across * tile_columns;
  if (row >= rows) return;
  const auto samples = [&](unsigned n) { return sample_at<T>(p.x, p.steps, head, step, n); };
  PixelRows<T> left(p.shape, p.shape.inputs, 1, row, rows, samples);
  ColumnsTogether right(p.weights + head * p.weights_stride, p.shape.inputs, p.shape.filters,
                        column);
  const Part part = part_of(p.shape.taps() * blocks_of(p.shape.inputs), p.splits);
  const Sums16 sums = multiply<math>(left, right, part.begin, part.end);
  write<math>(sums, out_of(p, head), row, rows, column, p.shape.filters);
}

template <Math math>
__global__ void __launch_bounds__(block_threads) input_gradient_kernel(Product p) {
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(p.steps, head);
  const unsigned rows = step.count * p.shape.pixels();
  const unsigned across = (p.shape.inputs + tile_columns - 1) / tile_columns;
  const unsigned row = blockIdx.x / across * tile_rows;
  const unsigned column = blockIdx.x % across * tile_columns;
  if (row >= rows) return;
  const float* d_y = p.d_y + head * p.d_y_stride;
  const std::size_t size = static_cast<std::size_t>(p.shape.pixels()) * p.shape.filters;
  const auto samples = [&](unsigned n) { return d_y + n * size; };
  PixelRows<float> left(p.shape, p.shape.filters, -1, row, rows, samples);
  TermsTogether right(p.weights + head * p.weights_stride, p.shape.filters, p.shape.inputs, column);
  const Part part = part_of(p.shape.taps() * blocks_of(p.shape.filters), p.splits);
  const Sums16 sums = multiply<math>(left, right, part.begin, part.end);
  write<math>(sums, out_of(p, head), row, rows, column, p.shape.inputs);
}

template <Math math, class T>
__global__ void __launch_bounds__(block_threads) kernel_gradient_kernel(Product p) {
  const unsigned head = blockIdx.z;
  const HeadStep& step = step_of(p.steps, head);
  if (step.count == 0) return;
  const unsigned across = (p.shape.filters + tile_columns - 1) / tile_columns;
  const unsigned down = (p.shape.inputs + tile_rows - 1) / tile_rows;
  const unsigned tap = blockIdx.x / (across * down);
  const unsigned row = blockIdx.x / across % down * tile_rows;
  const unsigned column = blockIdx.x % across * tile_columns;
  const unsigned terms = step.count * p.shape.pixels();
  const auto samples = [&](unsigned n) { return sample_at<T>(p.x, p.steps, head, step, n); };
  ChannelRows<T, decltype(samples)> left(p.shape, tap, row, terms, samples);
  ColumnsTogether right(p.d_y + head * p.d_y_stride, terms, p.shape.filters, column);
  const Part part = part_of(blocks_of(terms), p.splits);
  const Sums16 sums = multiply<math>(left, right, part.begin, part.end);
  float* out = out_of(p, head) + static_cast<std::size_t>(tap) * p.shape.inputs * p.shape.filters;
  write<math>(sums, out, row, p.shape.inputs, column, p.shape.filters);
}

// Calls body with the product's arithmetic and its input's type as constants.
template <Math value>
struct MathConstant {
  static constexpr Math math = value;
};

template <class Body>
void with_math(Math math, const Body& body) {
  switch (math) {
    case Math::fp32:
      return body(MathConstant<Math::fp32>{});
    case Math::tf32:
      return body(MathConstant<Math::tf32>{});
    case Math::bf16:
      return body(MathConstant<Math::bf16>{});
  }
}

template <class Body>
void with_type(NumberType type, const Body& body) {
  switch (type) {
    case NumberType::float32:
      return body(float{});
    case NumberType::float16:
      return body(Half{});
    case NumberType::bfloat16:
      return body(Bfloat16{});
  }
}

// As many parts as fill a large device with one head of the usual batch, at most eight.
unsigned splits_of(unsigned tiles, unsigned blocks) {
  constexpr unsigned wanted_tiles = 192;
  constexpr unsigned most = 8;
  const unsigned wanted = (wanted_tiles + tiles - 1) / tiles;
  const unsigned splits = wanted < most ? wanted : most;
  return splits < blocks ? splits : blocks;
}

constexpr unsigned usual_batch = 32;

unsigned tiles_of(std::size_t rows, unsigned columns) {
  return ceil_div(rows, tile_rows) * ceil_div(columns, tile_columns);
}

}  // namespace

unsigned forward_splits(const ProductShape& shape) {
  return splits_of(tiles_of(std::size_t{usual_batch} * shape.pixels(), shape.filters),
                   shape.taps() * blocks_of(shape.inputs));
}

unsigned input_gradient_splits(const ProductShape& shape) {
  return splits_of(tiles_of(std::size_t{usual_batch} * shape.pixels(), shape.inputs),
                   shape.taps() * blocks_of(shape.filters));
}

unsigned kernel_gradient_splits(const ProductShape& shape) {
  const unsigned splits = splits_of(shape.taps() * tiles_of(shape.inputs, shape.filters),
                                    blocks_of(usual_batch * shape.pixels()));
  return splits < 4 ? splits : 4;
}

bool multiplies_on_tensor_cores() {
  cudaFuncAttributes attributes{};
  const cudaError_t status = cudaFuncGetAttributes(&attributes, forward_kernel<Math::bf16, float>);
  if (status != cudaSuccess) cudaGetLastError();
  return status == cudaSuccess && attributes.ptxVersion >= 80;
}

void forward_product(const Product& product, Math math, unsigned samples, cudaStream_t stream) {
  const ProductShape& shape = product.shape;
  const dim3 grid(tiles_of(std::size_t{samples} * shape.pixels(), shape.filters), product.splits,
                  product.steps.heads);
  with_math(math, [&](auto constant) {
    with_type(product.x.type, [&](auto number) {
      launch(forward_kernel<decltype(constant)::math, decltype(number)>, grid, block_threads,
             stream, product);
    });
  });
}

void input_gradient(const Product& product, Math math, unsigned samples, cudaStream_t stream) {
  const ProductShape& shape = product.shape;
  const dim3 grid(tiles_of(std::size_t{samples} * shape.pixels(), shape.inputs), product.splits,
                  product.steps.heads);
  with_math(math, [&](auto constant) {
    launch(input_gradient_kernel<decltype(constant)::math>, grid, block_threads, stream, product);
  });
}

void kernel_gradient(const Product& product, Math math, cudaStream_t stream) {
  const ProductShape& shape = product.shape;
  const dim3 grid(shape.taps() * tiles_of(shape.inputs, shape.filters), product.splits,
                  product.steps.heads);
  with_math(math, [&](auto constant) {
    with_type(product.x.type, [&](auto number) {
      launch(kernel_gradient_kernel<decltype(constant)::math, decltype(number)>, grid,
             block_threads, stream, product);
    });
  });
}

}  // namespace headstart::cuda
