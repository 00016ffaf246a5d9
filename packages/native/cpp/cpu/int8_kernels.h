// The inner loop of 8-bit convolutions, compiled once for each instruction set and chosen at run
// time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace headstart::cpu {

// For each pixel i and filter f < columns <= panel:
//   sum = bias[f] + sum over the bytes of its window of (unsigned) pixel * (signed) kernel[f]
//   out[i][f] = zero_point + round(sum * scale[f]), ties to even, cut to 0 … 255
// A window is three runs of bytes, each of three neighbouring pixels; the first begins at
// windows[i], the others `row` and 2 * row bytes behind.
struct Int8Block {
  const std::uint8_t* const* windows;
  std::uint8_t* const* out;
  std::size_t pixels;
  std::size_t row;
  std::size_t run;            // a multiple of 4
  const std::int8_t* kernel;  // [3, run / 4, panel, 4]
  const std::int32_t* bias;   // [panel]
  const float* scale;         // [panel]
  std::int32_t zero_point;
  std::size_t columns;  // a multiple of lanes
};

struct Int8Kernels {
  const char* name;   // for people: "AVX512_VNNI"
  std::size_t lanes;  // sums of a vector
  std::size_t panel;  // filters of a block: two vectors
  // Whether the processor sums products of bytes in one instruction: else 8 bits gain nothing.
  bool fast;
  void (*block)(const Int8Block&);
};

extern const Int8Kernels portable_int8_kernels;
#if defined(HEADSTART_X86)
extern const Int8Kernels avx_vnni_int8_kernels;
extern const Int8Kernels avx512_vnni_int8_kernels;
#endif

// The best that this processor runs among the instruction sets that best_kernels() may use. All
// give the same bits.
const Int8Kernels& best_int8_kernels();

}  // namespace headstart::cpu
