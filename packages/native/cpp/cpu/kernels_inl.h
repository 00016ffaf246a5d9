// The kernels, written once with GCC/Clang vector types. Each kernels_<set>.cc is compiled with the
// flags of its instruction set, defines the constants below and includes this file.
//
// Everything is in an unnamed namespace and no standard header with code is included: an inline
// function compiled here for AVX-512 must never be the copy that the linker keeps for all.
//
// Needs: HEADSTART_LANES (floats in a vector), HEADSTART_ROWS (rows of a register block; two
// vectors a row, so 2 * ROWS + 3 registers).
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#if defined(__F16C__)
#include <immintrin.h>
#endif

#include "cpu/kernels.h"

namespace headstart::cpu {
namespace {

constexpr std::size_t lanes = HEADSTART_LANES;
constexpr std::size_t panel = 2 * lanes;
constexpr std::size_t max_rows = HEADSTART_ROWS;

typedef float Vector __attribute__((vector_size(lanes * sizeof(float)), aligned(4), may_alias));

inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }
inline Vector broadcast(float value) { return value - Vector{}; }

// Adds a block of sums to C: whole vectors where they fit, else only the columns there are.
template <std::size_t R, std::size_t V>
inline void add_block(Vector (&sums)[R][V], float* const (&c)[R], std::size_t columns) {
  if (columns == V * lanes) {
    for (std::size_t r = 0; r < R; ++r) {
      for (std::size_t v = 0; v < V; ++v) {
        store(c[r] + v * lanes, load(c[r] + v * lanes) + sums[r][v]);
      }
    }
    return;
  }
  for (std::size_t r = 0; r < R; ++r) {
    float row[V * lanes];
    for (std::size_t v = 0; v < V; ++v) store(row + v * lanes, sums[r][v]);
    for (std::size_t n = 0; n < columns; ++n) c[r][n] += row[n];
  }
}

template <std::size_t R, std::size_t V>
void rows_block(const float* const* a, float* const* c, const RowsBlock& block) {
  const float* row[R];
  float* out[R];
  for (std::size_t r = 0; r < R; ++r) {
    row[r] = a[r];
    out[r] = c[r];
  }
  Vector sums[R][V] = {};
  const float* b = block.b;
  for (std::size_t k = 0; k < block.k; ++k, b += block.ldb) {
    Vector right[V];
    for (std::size_t v = 0; v < V; ++v) right[v] = load(b + v * lanes);
    for (std::size_t r = 0; r < R; ++r) {
      const Vector left = broadcast(row[r][k]);
      for (std::size_t v = 0; v < V; ++v) sums[r][v] += left * right[v];
    }
  }
  add_block<R, V>(sums, out, block.columns);
}

template <std::size_t R, std::size_t V>
void outer_block(const OuterBlock& block, std::size_t m) {
  float* out[R];
  for (std::size_t r = 0; r < R; ++r) out[r] = block.c + (m + r) * block.ldc;
  Vector sums[R][V] = {};
  for (std::size_t k = 0; k < block.k; ++k) {
    const float* left_row = block.a[k] + m;
    const float* right_row = block.b[k];
    Vector right[V];
    for (std::size_t v = 0; v < V; ++v) right[v] = load(right_row + v * lanes);
    for (std::size_t r = 0; r < R; ++r) {
      const Vector left = broadcast(left_row[r]);
      for (std::size_t v = 0; v < V; ++v) sums[r][v] += left * right[v];
    }
  }
  add_block<R, V>(sums, out, block.columns);
}

template <std::size_t V>
struct Tables {
  using RowsFunction = void (*)(const float* const*, float* const*, const RowsBlock&);
  using OuterFunction = void (*)(const OuterBlock&, std::size_t);

  template <std::size_t... R>
  static void call_rows(std::size_t rows, const float* const* a, float* const* c,
                        const RowsBlock& block, std::index_sequence<R...>) {
    static constexpr RowsFunction table[] = {rows_block<R + 1, V>...};
    table[rows - 1](a, c, block);
  }

  template <std::size_t... R>
  static void call_outer(std::size_t rows, const OuterBlock& block, std::size_t m,
                         std::index_sequence<R...>) {
    static constexpr OuterFunction table[] = {outer_block<R + 1, V>...};
    table[rows - 1](block, m);
  }
};

inline std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }

template <std::size_t V>
void rows_blocks(const RowsBlock& block) {
  for (std::size_t i = 0; i < block.rows; i += max_rows) {
    Tables<V>::call_rows(smaller(max_rows, block.rows - i), block.a + i, block.c + i, block,
                         std::make_index_sequence<max_rows>());
  }
}

template <std::size_t V>
void outer_blocks(const OuterBlock& block) {
  for (std::size_t m = 0; m < block.rows; m += max_rows) {
    Tables<V>::call_outer(smaller(max_rows, block.rows - m), block, m,
                          std::make_index_sequence<max_rows>());
  }
}

void rows(const RowsBlock& block) {
  block.columns > lanes ? rows_blocks<2>(block) : rows_blocks<1>(block);
}

void outer(const OuterBlock& block) {
  block.columns > lanes ? outer_blocks<2>(block) : outer_blocks<1>(block);
}

void adam(const AdamArrays& x) {
  float* __restrict weights = x.weights;
  float* __restrict first = x.first_moment;
  float* __restrict second = x.second_moment;
  const float* __restrict gradients = x.gradients;
  for (std::size_t i = 0; i < x.count; ++i) {
    const float g = gradients[i];
    const float m = first[i] + (g - first[i]) * x.one_minus_beta1;
    const float v = second[i] + (g * g - second[i]) * x.one_minus_beta2;
    first[i] = m;
    second[i] = v;
    weights[i] -= x.rate * m / (__builtin_sqrtf(v) + x.epsilon);
  }
}

// IEEE 754 binary16 to binary32: subnormals, infinities and not-a-numbers included.
inline float half_bits_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t magnitude = half & 0x7FFFu;
  std::uint32_t bits;
  if (magnitude >= 0x7C00u) {
    bits = sign | 0x7F800000u | (magnitude & 0x3FFu) << 13;
  } else if (magnitude >= 0x0400u) {
    bits = sign | ((magnitude << 13) + 0x38000000u);
  } else {
    const float value = static_cast<float>(magnitude) * 0x1p-24f;
    std::memcpy(&bits, &value, sizeof bits);
    bits |= sign;
  }
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
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

}  // namespace
}  // namespace headstart::cpu
