// What kernels call of the device, for the emulated one.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#include "threads.h"

namespace headstart::emulated {

void enqueue_kernel(cudaStream_t stream, dim3 grid, unsigned threads, std::function<void()> body);

}  // namespace headstart::emulated

template <class T>
T __shfl_xor_sync(unsigned, T value, unsigned distance) {
  using namespace headstart::emulated;
  const unsigned lane = threadIdx.x % warp_size;
  warp_slots()[lane] = &value;
  wait_for_warp();
  const T other = *static_cast<const T*>(warp_slots()[lane ^ distance]);
  wait_for_warp();
  return other;
}

namespace headstart::cuda {

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, unsigned threads, cudaStream_t stream,
            const Arguments&... arguments) {
  emulated::enqueue_kernel(stream, grid, threads, [=] { kernel(arguments...); });
}

inline float half_to_float(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  const float sign = bits & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
}

struct Fragments {
  const std::uint32_t* a;
  const std::uint32_t (*b)[2];
};

// The operands of an mma of a word's place: row or column i (0 … 7, or 15 of a), word k (0 … 7).
// PTX ISA, "Matrix fragments for mma.m16n8k8" and ".m16n8k16".
template <int tiles, class Multiply>
void multiply_fragments(float (&d)[tiles][4], const std::uint32_t (&a)[4],
                        const std::uint32_t (&b)[tiles][2], const Multiply& multiply) {
  using namespace headstart::emulated;
  const unsigned lane = threadIdx.x % warp_size;
  const Fragments mine{a, b};
  warp_slots()[lane] = &mine;
  wait_for_warp();
  const void** slots = warp_slots();
  const auto of = [slots](unsigned from) { return static_cast<const Fragments*>(slots[from]); };
  for (int t = 0; t < tiles; ++t) {
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = lane / 4 + (i >= 2 ? 8 : 0);
      const unsigned column = lane % 4 * 2 + i % 2;
      for (unsigned k = 0; k < 8; ++k) {
        const std::uint32_t left = of(row % 8 * 4 + k % 4)->a[(row >= 8) + 2 * (k >= 4)];
        const std::uint32_t right = of(column * 4 + k % 4)->b[t][k >= 4];
        d[t][i] = multiply(d[t][i], left, right);
      }
    }
  }
  wait_for_warp();
}

inline float float_of_bits(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <int tiles>
void multiply_tf32(float (&d)[tiles][4], const std::uint32_t (&a)[4],
                   const std::uint32_t (&b)[tiles][2]) {
  multiply_fragments(d, a, b, [](float sum, std::uint32_t left, std::uint32_t right) {
    return sum + float_of_bits(left & 0xFFFFE000u) * float_of_bits(right & 0xFFFFE000u);
  });
}

template <int tiles>
void multiply_bf16(float (&d)[tiles][4], const std::uint32_t (&a)[4],
                   const std::uint32_t (&b)[tiles][2]) {
  multiply_fragments(d, a, b, [](float sum, std::uint32_t left, std::uint32_t right) {
    const float lower = float_of_bits(left << 16) * float_of_bits(right << 16);
    const float upper = float_of_bits(left & 0xFFFF0000u) * float_of_bits(right & 0xFFFF0000u);
    return sum + lower + upper;
  });
}

}  // namespace headstart::cuda
