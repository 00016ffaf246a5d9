#include "image/views.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "image/kernels.h"

namespace headstart::image {
namespace {

std::vector<ViewColumn> axis(std::size_t length, double shift, double zoom, bool mirrored) {
  const auto last = static_cast<std::int32_t>(length) - 1;
  const double centre = last / 2.0;
  std::vector<ViewColumn> positions(length);
  for (std::int32_t i = 0; i <= last; ++i) {
    // Without a zoom exactly i + shift.
    const double from = zoom == 1 ? i + shift : centre + zoom * (i - centre) + shift;
    const double position = std::min(std::max(from, 0.0), static_cast<double>(last));
    const auto low = static_cast<std::int32_t>(position);
    positions[static_cast<std::size_t>(mirrored ? last - i : i)] = {low, std::min(low + 1, last),
                                                                    position - low};
  }
  return positions;
}

std::uint8_t level_of(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

// The general case: every pixel from the four around where it comes from.
void turn(const std::uint8_t* pixels, Size size, const View& view, std::uint8_t* out) {
  const auto [height, width] = size;
  const double last_x = static_cast<double>(width - 1), last_y = static_cast<double>(height - 1);
  const double centre_x = last_x / 2, centre_y = last_y / 2;
  for (std::size_t y = 0; y < height; ++y) {
    const double v = view.zoom_y * (static_cast<double>(y) - centre_y) + view.shift_y;
    for (std::size_t x = 0; x < width; ++x) {
      const double u = view.zoom_x * (static_cast<double>(x) - centre_x) + view.shift_x;
      const double from_x =
          std::min(std::max(centre_x + view.cosine * u - view.sine * v, 0.0), last_x);
      const double from_y =
          std::min(std::max(centre_y + view.sine * u + view.cosine * v, 0.0), last_y);
      const auto left = static_cast<std::size_t>(from_x), top = static_cast<std::size_t>(from_y);
      const std::size_t right = std::min(left + 1, width - 1), bottom = std::min(top + 1, height - 1);
      const double share_x = from_x - static_cast<double>(left);
      const double share_y = from_y - static_cast<double>(top);
      std::uint8_t* to = out + 3 * (y * width + (view.flip ? width - 1 - x : x));
      for (std::size_t c = 0; c < 3; ++c) {
        const auto level = [&](std::size_t row, std::size_t column) {
          return static_cast<double>(pixels[3 * (row * width + column) + c]);
        };
        const double upper = level(top, left) + share_x * (level(top, right) - level(top, left));
        const double lower =
            level(bottom, left) + share_x * (level(bottom, right) - level(bottom, left));
        to[c] = level_of((upper + share_y * (lower - upper)) * view.brightness);
      }
    }
  }
}

}  // namespace

void apply_view(const std::uint8_t* pixels, Size size, const View& view, std::uint8_t* out) {
  if (view.is_plain()) {
    std::memcpy(out, pixels, 3 * size.height * size.width);
    return;
  }
  if (view.turned) return turn(pixels, size, view, out);
  const Kernels& kernels = best_kernels();
  const std::size_t row = 3 * size.width;
  const std::vector<ViewColumn> rows = axis(size.height, view.shift_y, view.zoom_y, false);
  const std::vector<ViewColumn> columns = axis(size.width, view.shift_x, view.zoom_x, view.flip);
  // A number is read, and a byte is written, behind the last.
  std::vector<double> line(row + 1);
  std::vector<std::uint8_t> levels(row + 1);
  for (std::size_t y = 0; y < size.height; ++y) {
    kernels.blend_rows(pixels + static_cast<std::size_t>(rows[y].low) * row,
                       pixels + static_cast<std::size_t>(rows[y].high) * row, rows[y].share,
                       line.data(), row);
    kernels.blend_columns(line.data(), columns.data(), size.width, view.brightness, levels.data());
    std::memcpy(out + y * row, levels.data(), row);
  }
}

}  // namespace headstart::image
