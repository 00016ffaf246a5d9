// All kernels in float32; see vectors_inl.h.
#pragma once

#include "cpu/elementwise_inl.h"
#include "cpu/products_inl.h"
#include "cpu/sparse_gradient_inl.h"
#include "cpu/tiles_inl.h"
#include "cpu/winograd_inl.h"

namespace headstart::cpu {
namespace {

inline Vector multiply_add(Vector sum, Word left, Vector right) {
  return sum + broadcast(left) * right;
}

constexpr Kernels kernels_named(const char* name) {
  return {name,        lanes,  panel,         {rows, outer},     winograd,          tile_maps,
          sparse_taps, update, half_to_float, bfloat16_to_float, float_to_bfloat16, pair_bfloat16};
}

}  // namespace
}  // namespace headstart::cpu
