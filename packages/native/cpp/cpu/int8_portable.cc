// Plain sums: the reference.
#include <cstddef>
#include <cstdint>

namespace headstart::cpu {
namespace {

constexpr std::size_t lanes = 4;
constexpr std::size_t max_rows = 4;

struct Sums {
  std::int32_t of[lanes];
};
using Left = const std::uint8_t*;
using Right = const std::int8_t*;

inline Right load_bytes(const std::int8_t* from) { return from; }

inline Left broadcast_bytes(const std::uint8_t* from) { return from; }

inline Sums load_sums(const std::int32_t* from) {
  Sums sums;
  for (std::size_t i = 0; i < lanes; ++i) sums.of[i] = from[i];
  return sums;
}

inline Sums add_products(Sums sums, Left left, Right right) {
  for (std::size_t i = 0; i < lanes; ++i) {
    for (std::size_t j = 0; j < 4; ++j) sums.of[i] += left[j] * right[4 * i + j];
  }
  return sums;
}

inline void store_levels(std::uint8_t* to, const Sums& sums, const float* scale,
                         std::int32_t zero_point) {
  const float below = static_cast<float>(-zero_point);
  for (std::size_t i = 0; i < lanes; ++i) {
    const float exact = static_cast<float>(sums.of[i]) * scale[i];
    const float raised = exact > below ? exact : below;
    const float cut = raised < below + 255.0f ? raised : below + 255.0f;
    to[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(__builtin_nearbyintf(cut)) +
                                      zero_point);
  }
}

}  // namespace
}  // namespace headstart::cpu

#include "cpu/int8_block_inl.h"

namespace headstart::cpu {
const Int8Kernels portable_int8_kernels = {"portable", lanes, vectors* lanes, false, int8_blocks};
}
