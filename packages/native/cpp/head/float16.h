// float16: IEEE 754 binary16.
#pragma once

#include <bit>
#include <cstdint>

namespace headstart {

// float16 ends at 65504; from 65520 on, a number would be rounded to infinity.
constexpr bool fits_float16(float value) noexcept {
  return (std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFu) < 0x477FF000u;
}

// To the nearest, halfway to the even one; of a value that fits.
constexpr std::uint16_t to_float16(float value) noexcept {
  const auto word = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = word & 0x7FFFFFFFu;
  const std::uint32_t sign = (word >> 16) & 0x8000u;
  // Rebiases the exponent from 127 to 15 and adds just under half, or half where the kept part is odd.
  const std::uint32_t normal = (magnitude - 0x38000000u + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
  // Adding 1/2 leaves a float16 below 2^-14 in the low bits, rounded by the addition itself.
  const std::uint32_t small =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3F000000u;
  return static_cast<std::uint16_t>(sign | (magnitude >= 0x38800000u ? normal : small));
}

}  // namespace headstart
