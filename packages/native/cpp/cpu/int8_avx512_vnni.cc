#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace headstart::cpu {
namespace {

constexpr std::size_t lanes = 16;
constexpr std::size_t max_rows = 12;
using Sums = __m512i;
using Left = __m512i;
using Right = __m512i;

inline Right load_bytes(const std::int8_t* from) { return _mm512_loadu_si512(from); }

inline Left broadcast_bytes(const std::uint8_t* from) {
  std::int32_t four;
  std::memcpy(&four, from, sizeof four);
  return _mm512_set1_epi32(four);
}

inline Sums load_sums(const std::int32_t* from) { return _mm512_loadu_si512(from); }

inline Sums add_products(Sums sums, Left left, Right right) {
  return _mm512_dpbusd_epi32(sums, left, right);
}

inline void store_levels(std::uint8_t* to, Sums sums, const float* scale, std::int32_t zero_point) {
  const float below = static_cast<float>(-zero_point);
  const __m512 exact = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(scale));
  const __m512 cut =
      _mm512_min_ps(_mm512_max_ps(exact, _mm512_set1_ps(below)), _mm512_set1_ps(below + 255.0f));
  const __m512i levels = _mm512_add_epi32(_mm512_cvtps_epi32(cut), _mm512_set1_epi32(zero_point));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(levels));
}

}  // namespace
}  // namespace headstart::cpu

#include "cpu/int8_block_inl.h"

namespace headstart::cpu {
const Int8Kernels avx512_vnni_int8_kernels = {"AVX512_VNNI", lanes, vectors* lanes, true,
                                              int8_blocks};
}
