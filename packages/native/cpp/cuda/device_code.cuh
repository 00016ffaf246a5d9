// What kernels share. Without nvcc, check/emulated_cuda stands for the device, so that kernels are
// tested where there is none.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "cuda/step.h"

#if defined(__CUDACC__)
#include <cuda_fp16.h>
#else
#include "device_functions.h"
#endif

namespace headstart::cuda {

struct Half {
  std::uint16_t bits;
};

struct Bfloat16 {
  std::uint16_t bits;
};

#if defined(__CUDACC__)

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, unsigned threads, cudaStream_t stream,
            const Arguments&... arguments) {
  kernel<<<grid, threads, 0, stream>>>(arguments...);
}

inline __device__ float half_to_float(std::uint16_t bits) {
  return __half2float(__ushort_as_half(bits));
}

// d [16, 8 tiles] += a [16, 8] b [8, 8 tiles], operands TensorFloat-32: PTX ISA, mma.m16n8k8.
template <int tiles>
__device__ void multiply_tf32(float (&d)[tiles][4], const std::uint32_t (&a)[4],
                              const std::uint32_t (&b)[tiles][2]) {
#if __CUDA_ARCH__ >= 800
#pragma unroll
  for (int t = 0; t < tiles; ++t) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[t][0]), "+f"(d[t][1]), "+f"(d[t][2]), "+f"(d[t][3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[t][0]), "r"(b[t][1]));
  }
#else
  __trap();  // see multiplies_on_tensor_cores
#endif
}

// d [16, 8 tiles] += a [16, 16] b [16, 8 tiles], operands pairs of bfloat16: mma.m16n8k16.
template <int tiles>
__device__ void multiply_bf16(float (&d)[tiles][4], const std::uint32_t (&a)[4],
                              const std::uint32_t (&b)[tiles][2]) {
#if __CUDA_ARCH__ >= 800
#pragma unroll
  for (int t = 0; t < tiles; ++t) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[t][0]), "+f"(d[t][1]), "+f"(d[t][2]), "+f"(d[t][3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[t][0]), "r"(b[t][1]));
  }
#else
  __trap();
#endif
}

#endif

inline __device__ std::uint32_t bits_of(float value) {
  union {
    float value;
    std::uint32_t bits;
  } both;
  both.value = value;
  return both.bits;
}

inline __device__ float float_of(std::uint32_t bits) {
  union {
    std::uint32_t bits;
    float value;
  } both;
  both.bits = bits;
  return both.value;
}

inline __device__ bool is_nan(float value) { return value != value; }

// Rounded to the nearest of 10 bits, ties to even; the lower 13 bits are zero.
inline __device__ std::uint32_t to_tf32(float value) {
  const std::uint32_t bits = bits_of(value);
  if (is_nan(value)) return bits | 0x00400000u;
  return (bits + 0x0FFFu + (bits >> 13 & 1u)) & 0xFFFFE000u;
}

// As head/bfloat16.h.
inline __device__ std::uint32_t to_bfloat16_bits(float value) {
  const std::uint32_t bits = bits_of(value);
  if (is_nan(value)) return bits >> 16 | 0x40u;
  return (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
}

inline __device__ float to_float(float value) { return value; }
inline __device__ float to_float(Half value) { return half_to_float(value.bits); }
inline __device__ float to_float(Bfloat16 value) {
  return float_of(static_cast<std::uint32_t>(value.bits) << 16);
}

inline __device__ const HeadStep& step_of(const Steps& steps, unsigned head) {
  return steps.table[static_cast<std::size_t>(*steps.base + steps.index) * steps.heads + head];
}

// Sample n of a head in this step.
template <class T>
__device__ const T* sample_at(const Source& source, const Steps& steps, unsigned head,
                              const HeadStep& step, unsigned n) {
  const T* data = static_cast<const T*>(source.data);
  if (source.rows == nullptr) return data + head * source.head_stride + n * source.size;
  const std::uint32_t at = steps.facts[head].rows_begin + step.first + n;
  return data + static_cast<std::size_t>(source.rows[at]) * source.size;
}

inline unsigned ceil_div(std::size_t a, std::size_t b) {
  return static_cast<unsigned>((a + b - 1) / b);
}

}  // namespace headstart::cuda
