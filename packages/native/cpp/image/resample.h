// Pictures at another size, to the bit as Pillow's Image.resize makes them: src/libImaging/Resample.c
// of Pillow 12, for 8 bits. Kernels widen where a side shrinks; weights have 22 bits behind the point;
// first each row along its width, rounded to 8 bits, then each column along its height.
#pragma once

#include <cstddef>
#include <cstdint>

namespace headstart::image {

struct Size {
  std::size_t height;
  std::size_t width;
};

struct Box {
  std::size_t top;
  std::size_t left;
  std::size_t height;
  std::size_t width;
};

enum class Filter { bilinear, bicubic, lanczos };

// pixels: RGB, [source.height, source.width, 3]. Its part `box` becomes [size.height, size.width], of
// which `window` stands at `out`, whose rows are `stride` bytes apart; what is outside the box does not
// count.
void resample(const std::uint8_t* pixels, Size source, Box box, Filter filter, Size size, Box window,
              std::uint8_t* out, std::size_t stride);

}  // namespace headstart::image
