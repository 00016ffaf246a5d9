// Updates of parameters and conversions between number types; see vectors_inl.h.
#pragma once

#if defined(__F16C__)
#include <immintrin.h>
#endif

#include "cpu/vectors_inl.h"

namespace headstart::cpu {
namespace {

void adam(const UpdateArrays& x, const UpdateStep& step) {
  float* __restrict weights = x.weights;
  float* __restrict first = x.first_moment;
  float* __restrict second = x.second_moment;
  const float* __restrict gradients = x.gradients;
  for (std::size_t i = 0; i < x.count; ++i) {
    const float g = gradients[i];
    const float m = first[i] + (g - first[i]) * step.one_minus_keep1;
    const float v = second[i] + (g * g - second[i]) * step.one_minus_keep2;
    first[i] = m;
    second[i] = v;
    weights[i] -= step.rate * m / (__builtin_sqrtf(v) + step.epsilon);
  }
}

void sgd(const UpdateArrays& x, const UpdateStep& step) {
  float* __restrict weights = x.weights;
  float* __restrict velocity = x.first_moment;
  const float* __restrict gradients = x.gradients;
  if (velocity == nullptr) {
    for (std::size_t i = 0; i < x.count; ++i) weights[i] -= gradients[i] * step.rate;
    return;
  }
  for (std::size_t i = 0; i < x.count; ++i) {
    const float push = gradients[i] * step.rate;
    const float m = velocity[i] * step.keep1 - push;
    velocity[i] = m;
    weights[i] += step.nesterov ? m * step.keep1 - push : m;
  }
}

void rmsprop(const UpdateArrays& x, const UpdateStep& step) {
  float* __restrict weights = x.weights;
  float* __restrict momentum = x.first_moment;
  float* __restrict square = x.second_moment;
  const float* __restrict gradients = x.gradients;
  if (momentum == nullptr) {
    for (std::size_t i = 0; i < x.count; ++i) {
      const float g = gradients[i];
      const float v = step.keep2 * square[i] + step.one_minus_keep2 * (g * g);
      square[i] = v;
      weights[i] -= step.rate * g / __builtin_sqrtf(v + step.epsilon);
    }
    return;
  }
  for (std::size_t i = 0; i < x.count; ++i) {
    const float g = gradients[i];
    const float v = step.keep2 * square[i] + step.one_minus_keep2 * (g * g);
    const float m = step.keep1 * momentum[i] + step.rate * g / __builtin_sqrtf(v + step.epsilon);
    square[i] = v;
    momentum[i] = m;
    weights[i] -= m;
  }
}

void update(const UpdateArrays& x, const UpdateStep& step) {
  if (step.decay != 0.0f) {
    for (std::size_t i = 0; i < x.count; ++i) x.weights[i] -= x.weights[i] * step.decay;
  }
  switch (step.kind) {
    case OptimizerKind::adam:
      return adam(x, step);
    case OptimizerKind::sgd:
      return sgd(x, step);
    case OptimizerKind::rmsprop:
      return rmsprop(x, step);
  }
}

inline float bits_to_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// IEEE 754 binary16 to binary32: subnormals, infinities and not-a-numbers included.
inline float half_bits_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t magnitude = half & 0x7FFFu;
  if (magnitude >= 0x7C00u) return bits_to_float(sign | 0x7F800000u | (magnitude & 0x3FFu) << 13);
  if (magnitude >= 0x0400u) return bits_to_float(sign | ((magnitude << 13) + 0x38000000u));
  const float value = static_cast<float>(magnitude) * 0x1p-24f;
  return sign == 0 ? value : -value;
}

void half_to_float(const std::uint16_t* from, float* to, std::size_t count) {
  std::size_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= count; i += 8) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(halves));
  }
#endif
  for (; i < count; ++i) to[i] = half_bits_to_float(from[i]);
}

void bfloat16_to_float(const std::uint16_t* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = bits_to_float(static_cast<std::uint32_t>(from[i]) << 16);
  }
}

// As to_bfloat16 (head/bfloat16.h), without branches.
void float_to_bfloat16(const float* from, std::uint16_t* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, from + i, sizeof bits);
    const std::uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
    const std::uint32_t quiet = bits >> 16 | 0x40u;
    to[i] = static_cast<std::uint16_t>((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
  }
}

void pair_bfloat16(const std::uint16_t* lower, const std::uint16_t* upper, Word* to,
                   std::size_t count) {
  auto* __restrict words = reinterpret_cast<std::uint32_t*>(to);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t high = upper == nullptr ? 0u : upper[i];
    const std::uint32_t word = lower[i] | high << 16;
    std::memcpy(words + i, &word, sizeof word);
  }
}

}  // namespace
}  // namespace headstart::cpu
