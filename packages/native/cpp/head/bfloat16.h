// bfloat16: the upper half of a float32.
#pragma once

#include <bit>
#include <cstdint>

namespace headstart {

// To the nearest, halfway to the even one. A not-a-number stays one.
constexpr std::uint16_t to_bfloat16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

constexpr float from_bfloat16(std::uint16_t half) noexcept {
  return std::bit_cast<float>(std::uint32_t{half} << 16);
}

}  // namespace headstart
