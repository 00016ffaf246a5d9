#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace headstart::cpu {
namespace {

constexpr std::size_t lanes = 8;
constexpr std::size_t max_rows = 6;
using Sums = __m256i;
using Left = __m256i;
using Right = __m256i;

inline Right load_bytes(const std::int8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

inline Left broadcast_bytes(const std::uint8_t* from) {
  std::int32_t four;
  std::memcpy(&four, from, sizeof four);
  return _mm256_set1_epi32(four);
}

inline Sums load_sums(const std::int32_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

inline Sums add_products(Sums sums, Left left, Right right) {
  return _mm256_dpbusd_avx_epi32(sums, left, right);
}

inline void store_levels(std::uint8_t* to, Sums sums, const float* scale, std::int32_t zero_point) {
  const float below = static_cast<float>(-zero_point);
  const __m256 exact = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(scale));
  const __m256 cut =
      _mm256_min_ps(_mm256_max_ps(exact, _mm256_set1_ps(below)), _mm256_set1_ps(below + 255.0f));
  const __m256i levels = _mm256_add_epi32(_mm256_cvtps_epi32(cut), _mm256_set1_epi32(zero_point));
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(levels), _mm256_extracti128_si256(levels, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(words, words));
}

}  // namespace
}  // namespace headstart::cpu

#include "cpu/int8_block_inl.h"

namespace headstart::cpu {
const Int8Kernels avx_vnni_int8_kernels = {"AVX-VNNI", lanes, vectors* lanes, true, int8_blocks};
}
