// Pixels as short vectors of GCC and Clang; see kernels.h. HEADSTART_LANES: int32 in a vector. As in
// cpu/vectors_inl.h, no standard header with code is included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE4_1__)
#include <immintrin.h>
#endif

#include "image/kernels.h"

namespace headstart::image {
namespace {

constexpr std::size_t lanes = HEADSTART_LANES;
constexpr std::int32_t half = 1 << (weight_bits - 1);

typedef std::int32_t Ints __attribute__((vector_size(4 * lanes)));
typedef std::int32_t PixelInts __attribute__((vector_size(16)));
typedef std::uint8_t PixelBytes __attribute__((vector_size(4)));
typedef double PixelDoubles __attribute__((vector_size(32), aligned(8), may_alias));

template <class T>
inline T load(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
inline void store(void* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

// Whole levels, 0 to 255.
template <class V>
inline V clipped(V values) {
  values = values < 0 ? V{} : values;
  return values > 255 ? V{} + 255 : values;
}

// Four bytes as numbers, and numbers of 0 to 255 as bytes: GCC 12 converts short vectors one by one.
inline PixelInts widened(const std::uint8_t* from) {
#if defined(__SSE4_1__)
  std::int32_t bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  return reinterpret_cast<PixelInts>(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes)));
#else
  return __builtin_convertvector(load<PixelBytes>(from), PixelInts);
#endif
}

inline void store_bytes(std::uint8_t* to, PixelInts values) {
#if defined(__SSE4_1__)
  const __m128i words = _mm_packs_epi32(reinterpret_cast<__m128i>(values), _mm_setzero_si128());
  store(to, _mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
#else
  store(to, __builtin_convertvector(values, PixelBytes));
#endif
}

inline PixelInts truncated(const PixelDoubles& values) {
#if defined(__AVX__)
  return reinterpret_cast<PixelInts>(_mm256_cvttpd_epi32(reinterpret_cast<__m256d>(values)));
#else
  return __builtin_convertvector(values, PixelInts);
#endif
}

inline Ints widened_lanes(const std::uint8_t* from) {
#if HEADSTART_LANES == 16
  return reinterpret_cast<Ints>(_mm512_cvtepu8_epi32(load<__m128i>(from)));
#elif HEADSTART_LANES == 8
  return reinterpret_cast<Ints>(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(load<long long>(from))));
#else
  return widened(from);
#endif
}

inline void store_lanes(std::uint8_t* to, Ints values) {
#if HEADSTART_LANES == 16
  store(to, _mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(values)));
#elif HEADSTART_LANES == 8
  const __m256i own = reinterpret_cast<__m256i>(values);
  const __m128i words =
      _mm_packus_epi32(_mm256_castsi256_si128(own), _mm256_extracti128_si256(own, 1));
  store(to, _mm_cvtsi128_si64(_mm_packus_epi16(words, words)));
#else
  store_bytes(to, values);
#endif
}

void horizontal(const std::uint8_t* row, const Weights& weights, std::uint8_t* out) {
  for (std::size_t x = 0; x < weights.count; ++x) {
    const std::uint8_t* from = row + 3 * weights.first[x];
    const std::int32_t* values = weights.values + x * weights.taps;
    const std::int32_t length = weights.length[x];
    PixelInts sum = PixelInts{} + half;
    for (std::int32_t k = 0; k < length; ++k) {
      sum += widened(from + 3 * k) * values[k];
    }
    store_bytes(out + 3 * x, clipped(sum >> weight_bits));
  }
}

void vertical(const std::uint8_t* rows, std::size_t stride, const std::int32_t* weights,
              std::size_t length, std::uint8_t* out, std::size_t count) {
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    Ints sum = Ints{} + half;
    for (std::size_t k = 0; k < length; ++k) {
      sum += widened_lanes(rows + k * stride + i) * weights[k];
    }
    store_lanes(out + i, clipped(sum >> weight_bits));
  }
  for (; i < count; ++i) {
    std::int32_t sum = half;
    for (std::size_t k = 0; k < length; ++k) sum += rows[k * stride + i] * weights[k];
    sum >>= weight_bits;
    out[i] = static_cast<std::uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
  }
}

void blend_rows(const std::uint8_t* a, const std::uint8_t* b, double share, double* line,
                std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    line[i] = a[i] + share * static_cast<double>(b[i] - a[i]);
  }
}

void blend_columns(const double* line, const ViewColumn* columns, std::size_t count,
                   double brightness, std::uint8_t* out) {
  for (std::size_t x = 0; x < count; ++x) {
    const PixelDoubles low = *reinterpret_cast<const PixelDoubles*>(line + 3 * columns[x].low);
    const PixelDoubles high = *reinterpret_cast<const PixelDoubles*>(line + 3 * columns[x].high);
    const PixelDoubles level = (low + columns[x].share * (high - low)) * brightness + 0.5;
    // Levels are not negative: cutting off what is behind the point rounds down.
    store_bytes(out + 3 * x, clipped(truncated(level)));
  }
}

constexpr Kernels kernels{horizontal, vertical, blend_rows, blend_columns};

}  // namespace
}  // namespace headstart::image
