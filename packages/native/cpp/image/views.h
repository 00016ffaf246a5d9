// Augmented views, to the bit as scipy.ndimage.affine_transform with order 1 and mode "nearest" in
// double precision, then brightness, rounded once.
#pragma once

#include <cstdint>

#include "image/resample.h"

namespace headstart::image {

// With (x, y) from the image's centre, output pixel (x, y) shows the input at
// R (zoom_x x + shift_x, zoom_y y + shift_y), R a turn; then it is mirrored left to right, and its
// levels are multiplied by brightness. Shifts in pixels.
struct View {
  bool flip = false;
  double shift_x = 0;
  double shift_y = 0;
  bool turned = false;
  double cosine = 1;
  double sine = 0;
  double zoom_x = 1;
  double zoom_y = 1;
  double brightness = 1;

  bool is_plain() const {
    return !flip && shift_x == 0 && shift_y == 0 && !turned && zoom_x == 1 && zoom_y == 1 &&
           brightness == 1;
  }
};

// pixels and out: RGB, [size.height, size.width, 3].
void apply_view(const std::uint8_t* pixels, Size size, const View& view, std::uint8_t* out);

}  // namespace headstart::image
