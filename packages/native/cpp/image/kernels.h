// The inner loops over pixels, compiled once for each instruction set and chosen at run time. All
// give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace headstart::image {

// Bits behind the point of a resampling weight, and how a sum of weighted levels is rounded to one.
constexpr int weight_bits = 22;

// For each output position along an axis: where its window of the input begins, its length, and its
// weights, `taps` apart.
struct Weights {
  std::size_t count;
  std::size_t taps;
  const std::int32_t* first;
  const std::int32_t* length;
  const std::int32_t* values;  // [count, taps]
};

// Two pixels of a row that a pixel of a view lies between, and the second one's share.
struct ViewColumn {
  std::int32_t low;
  std::int32_t high;
  double share;
};

struct Kernels {
  // A row of RGB pixels along its width. Four bytes of each pixel are read and written: one byte
  // after the last must be there in both rows.
  void (*horizontal)(const std::uint8_t* row, const Weights& weights, std::uint8_t* out);
  // out[i] from `length` rows, `stride` bytes apart, weighted.
  void (*vertical)(const std::uint8_t* rows, std::size_t stride, const std::int32_t* weights,
                   std::size_t length, std::uint8_t* out, std::size_t count);
  // line[i] = a[i] + share * (b[i] - a[i])
  void (*blend_rows)(const std::uint8_t* a, const std::uint8_t* b, double share, double* line,
                     std::size_t count);
  // Pixels of a view's row: between columns of a line, times brightness, rounded half up. Four
  // numbers of each pixel are read, and four bytes written, as above.
  void (*blend_columns)(const double* line, const ViewColumn* columns, std::size_t count,
                        double brightness, std::uint8_t* out);
};

extern const Kernels portable_kernels;
#if defined(HEADSTART_X86)
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#endif

// For the instruction set of cpu::best_kernels().
const Kernels& best_kernels();

}  // namespace headstart::image
