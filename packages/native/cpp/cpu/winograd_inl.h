// The transforms of winograd_product.h; see vectors_inl.h.
#pragma once

#include "cpu/vectors_inl.h"

namespace headstart::cpu {
namespace {

// The points are 0, a, -a, b, -b and infinity: with 3/4 and 3/2 sums lose less than with the usual
// 1 and 2.
constexpr float a = 0.75f;
constexpr float b = 1.5f;
constexpr float a2 = a * a;
constexpr float b2 = b * b;
constexpr float scale0 = 1.0f / (a2 * b2);
constexpr float scale_a = 1.0f / (2.0f * a2 * (a2 - b2));
constexpr float scale_b = 1.0f / (2.0f * b2 * (b2 - a2));

// Bᵀ: the polynomials through all points but one, applied to six pixels.
struct InputMap {
  static constexpr std::size_t ins = 6, outs = 6;
  template <class T>
  static void apply(const T (&x)[6], T (&y)[6]) {
    const T even_a = x[4] - b2 * x[2];
    const T odd_a = a * (x[3] - b2 * x[1]);
    const T even_b = x[4] - a2 * x[2];
    const T odd_b = b * (x[3] - a2 * x[1]);
    y[0] = x[4] - (a2 + b2) * x[2] + (a2 * b2) * x[0];
    y[1] = even_a + odd_a;
    y[2] = even_a - odd_a;
    y[3] = even_b + odd_b;
    y[4] = even_b - odd_b;
    y[5] = x[5] - (a2 + b2) * x[3] + (a2 * b2) * x[1];
  }
};

// G: the three taps as a polynomial, at the points.
struct KernelMap {
  static constexpr std::size_t ins = 3, outs = 6;
  template <class T>
  static void apply(const T (&w)[3], T (&u)[6]) {
    const T even_a = scale_a * w[0] + (scale_a * a2) * w[2];
    const T odd_a = (scale_a * a) * w[1];
    const T even_b = scale_b * w[0] + (scale_b * b2) * w[2];
    const T odd_b = (scale_b * b) * w[1];
    u[0] = scale0 * w[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = w[2];
  }
};

// Gᵀ.
struct KernelGradientMap {
  static constexpr std::size_t ins = 6, outs = 3;
  template <class T>
  static void apply(const T (&u)[6], T (&w)[3]) {
    const T even_a = u[1] + u[2];
    const T even_b = u[3] + u[4];
    w[0] = scale0 * u[0] + scale_a * even_a + scale_b * even_b;
    w[1] = (scale_a * a) * (u[1] - u[2]) + (scale_b * b) * (u[3] - u[4]);
    w[2] = (scale_a * a2) * even_a + (scale_b * b2) * even_b + u[5];
  }
};

// Aᵀ: powers of the points, from products at the points to four pixels.
struct OutputMap {
  static constexpr std::size_t ins = 6, outs = 4;
  template <class T>
  static void apply(const T (&m)[6], T (&y)[4]) {
    const T even_a = m[1] + m[2];
    const T odd_a = m[1] - m[2];
    const T even_b = m[3] + m[4];
    const T odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = a * odd_a + b * odd_b;
    y[2] = a2 * even_a + b2 * even_b;
    y[3] = (a2 * a) * odd_a + (b2 * b) * odd_b + m[5];
  }
};

// A.
struct OutputGradientMap {
  static constexpr std::size_t ins = 4, outs = 6;
  template <class T>
  static void apply(const T (&y)[4], T (&m)[6]) {
    const T even_a = y[0] + a2 * y[2];
    const T odd_a = a * y[1] + (a2 * a) * y[3];
    const T even_b = y[0] + b2 * y[2];
    const T odd_b = b * y[1] + (b2 * b) * y[3];
    m[0] = y[0];
    m[1] = even_a + odd_a;
    m[2] = even_a - odd_a;
    m[3] = even_b + odd_b;
    m[4] = even_b - odd_b;
    m[5] = y[3];
  }
};

template <class Map>
void map_rows(const float* const* in, float* const* out, std::size_t count) {
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    Vector from[Map::ins];
    Vector to[Map::outs];
    for (std::size_t r = 0; r < Map::ins; ++r) from[r] = load(in[r] + i);
    Map::apply(from, to);
    for (std::size_t r = 0; r < Map::outs; ++r) store(out[r] + i, to[r]);
  }
  for (; i < count; ++i) {
    float from[Map::ins];
    float to[Map::outs];
    for (std::size_t r = 0; r < Map::ins; ++r) from[r] = in[r][i];
    Map::apply(from, to);
    for (std::size_t r = 0; r < Map::outs; ++r) out[r][i] = to[r];
  }
}

constexpr WinogradMaps winograd = {map_rows<InputMap>, map_rows<KernelMap>, map_rows<OutputMap>,
                                   map_rows<OutputGradientMap>, map_rows<KernelGradientMap>};

}  // namespace
}  // namespace headstart::cpu
