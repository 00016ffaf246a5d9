// The inner loops that are compiled once for each instruction set and chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace headstart::cpu {

// C[i][n] += sum over k of A[i][k] B[k][n], for i < rows, n < columns <= panel.
// a[i] and c[i] point to rows; B's row k is at b + k * ldb and may be read up to a whole panel.
struct RowsBlock {
  const float* const* a;
  float* const* c;
  std::size_t rows;
  const float* b;
  std::size_t ldb;
  std::size_t k;
  std::size_t columns;
};

// C[m][n] += sum over k of A[k][m] B[k][n], for m < rows, n < columns <= panel.
// a[k] and b[k] point to rows; b[k] may be read up to a whole panel. C's row m is at c + m * ldc.
struct OuterBlock {
  const float* const* a;
  const float* const* b;
  std::size_t k;
  float* c;
  std::size_t ldc;
  std::size_t rows;
  std::size_t columns;
};

struct AdamArrays {
  float* weights;
  float* first_moment;
  float* second_moment;
  const float* gradients;
  std::size_t count;
  float rate;
  float one_minus_beta1;
  float one_minus_beta2;
  float epsilon;
};

// Every sum runs over k in ascending order, one element at a time: a result does not depend on how
// rows and columns are cut into blocks.
struct Kernels {
  const char* name;   // for people: "AVX-512"
  std::size_t panel;  // columns of one block: two vectors
  void (*rows)(const RowsBlock&);
  void (*outer)(const OuterBlock&);
  void (*adam)(const AdamArrays&);
  void (*half_to_float)(const std::uint16_t* from, float* to, std::size_t count);
};

extern const Kernels portable_kernels;
#if defined(HEADSTART_X86)
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#endif

// The best that this processor runs, or those that the environment variable HEADSTART_CPU names
// (avx512, avx2, portable). Throws Error (invalid_argument) where they do not run here.
const Kernels& best_kernels();

}  // namespace headstart::cpu
