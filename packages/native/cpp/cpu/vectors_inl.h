// Vectors for the kernels, with GCC/Clang vector types.
//
// Each kernels_<set>.cc is compiled with the flags of its instruction set, defines
//   HEADSTART_LANES  floats in a vector
//   HEADSTART_ROWS   rows of a register block; with two vectors a row, 2 * ROWS + 3 registers
// and includes the _inl.h files that it needs. Everything there is in an unnamed namespace and no
// standard header with code is included: an inline function compiled for AVX-512 must never be the
// copy that the linker keeps for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

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

}  // namespace
}  // namespace headstart::cpu
