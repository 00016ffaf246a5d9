// The inner loops that are compiled once for each instruction set and chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "head/optimizer.h"

namespace headstart::cpu {

// What products multiply: a float32 number, or, in products of bfloat16, the bits of a pair of
// them: k = 2i in the lower half, k = 2i + 1 in the upper. Below, k counts words.
using Word = float;

// C[i][n] += sum over k of A[i][k] B[k][n], for i < rows, n < columns <= panel.
// a[i] and c[i] point to rows; B's row k is at b + k * ldb and may be read up to a whole panel.
struct RowsBlock {
  const Word* const* a;
  float* const* c;
  std::size_t rows;
  const Word* b;
  std::size_t ldb;
  std::size_t k;
  std::size_t columns;
};

// C[m][n] += sum over k of A[k][m] B[k][n], for m < rows, n < columns <= panel.
// A's row k is at a + a_offsets[k], B's at b + b_offsets[k], which may be read up to a whole panel.
// C's row m is at c + m * ldc.
struct OuterBlock {
  const Word* a;
  const std::uint32_t* a_offsets;
  const Word* b;
  const std::uint32_t* b_offsets;
  std::size_t k;
  float* c;
  std::size_t ldc;
  std::size_t rows;
  std::size_t columns;
};

// Every sum runs over k in ascending order, one element at a time: a result does not depend on how
// rows and columns are cut into blocks.
struct Products {
  void (*rows)(const RowsBlock&);
  void (*outer)(const OuterBlock&);
};

// An element of a gradient that is not zero, and where the first pixel that its kernel sees is.
struct SparseElement {
  std::uint32_t offset;
  float value;
};

// sums[f][tap][c] += sum over filter f's elements of value * x[offset + the tap's pixel][c]: a 3x3
// kernel over rows of pixels, `row` floats apart, of `channels` floats each, a multiple of lanes.
// Filter f has counts[f] elements at elements + f * capacity.
struct SparseTaps {
  const float* x;
  std::size_t row;
  const SparseElement* elements;
  std::size_t capacity;
  const std::uint32_t* counts;
  std::size_t filters;
  std::size_t channels;
  float* sums;
};

// One update of count parameters. Moments that the optimizer has not are null.
struct UpdateArrays {
  float* weights;
  float* first_moment;
  float* second_moment;
  const float* gradients;
  std::size_t count;
};

// A linear map of rows: each output row is a sum of multiples of the input rows, count numbers
// long. in and out point to rows, as many as the map has.
using RowsMap = void (*)(const float* const* in, float* const* out, std::size_t count);

// The transforms of winograd_product.h, in its words.
struct WinogradMaps {
  RowsMap input;            // 6 pixels -> 6 points
  RowsMap kernel;           // 3 taps -> 6 points
  RowsMap output;           // 6 points -> 4 pixels
  RowsMap output_gradient;  // 4 pixels -> 6 points
  RowsMap kernel_gradient;  // 6 points -> 3 taps
};

// One tile of conv_stack.h on its way out.
struct TileOutput {
  const float* sums;  // 6 x 6 points, `point` floats apart, of `channels` each
  std::size_t point;
  const float* bias;  // [channels]
  float* const* out;  // 4 x 4 pixels, or, after the pool, 2 x 2
  std::size_t channels;
  bool pool;
};

// The transforms of conv_stack.h; channels are a multiple of lanes.
struct TileMaps {
  // 6 x 6 pixels at `in` -> 6 x 6 points at `out`, `point` floats apart.
  void (*input)(const float* const* in, float* out, std::size_t point, std::size_t channels);
  void (*output)(const TileOutput& tile);
  // rows [count, channels] += bias, then ReLU.
  void (*bias_relu)(float* rows, std::size_t count, const float* bias, std::size_t channels);
};

struct Kernels {
  const char* name;   // for people: "AVX-512"
  std::size_t lanes;  // floats of a vector
  std::size_t panel;  // columns of one block: two vectors
  Products fp32;
  WinogradMaps winograd;
  TileMaps tiles;
  void (*sparse_taps)(const SparseTaps&);
  void (*update)(const UpdateArrays&, const UpdateStep&);
  void (*half_to_float)(const std::uint16_t* from, float* to, std::size_t count);
  void (*bfloat16_to_float)(const std::uint16_t* from, float* to, std::size_t count);
  void (*float_to_bfloat16)(const float* from, std::uint16_t* to, std::size_t count);
  // Two rows of bfloat16 as one row of pairs; upper may be null, for zeros.
  void (*pair_bfloat16)(const std::uint16_t* lower, const std::uint16_t* upper, Word* to,
                        std::size_t count);
};

extern const Kernels portable_kernels;
#if defined(HEADSTART_X86)
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
extern const Products avx512_bf16_products;
#endif

// The best that this processor runs, or those that the environment variable HEADSTART_CPU names
// (avx512, avx2, portable). Throws Error (invalid_argument) where they do not run here.
const Kernels& best_kernels();

// Products of bfloat16 for these kernels; null where the processor has none.
const Products* bf16_products(const Kernels& kernels);

}  // namespace headstart::cpu
