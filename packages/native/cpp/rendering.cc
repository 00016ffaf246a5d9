#include "rendering.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "arguments.h"
#include "napi_errors.h"

namespace headstart {
namespace {

constexpr std::uint64_t max_side = 1 << 24;

image::Size read_size(const Napi::Object& object, const char* height, const char* width) {
  return {read_integer(object.Get(height), height, 1, max_side),
          read_integer(object.Get(width), width, 1, max_side)};
}

// [top, left, height, width], within a size.
image::Box read_box(const Napi::Value& value, const char* name, image::Size whole) {
  const Napi::Array list = read_array(value, name);
  const auto number = [&](std::uint32_t i, std::uint64_t min, std::uint64_t max) {
    return read_integer(list.Get(i), name, min, max);
  };
  const std::size_t top = number(0, 0, whole.height - 1), left = number(1, 0, whole.width - 1);
  return {top, left, number(2, 1, whole.height - top), number(3, 1, whole.width - left)};
}

// What a side that is cut off may have been scaled to.
constexpr std::uint64_t max_scaled = std::uint64_t{1} << 40;

// A side of the box in which the resampled part stands, which may reach beyond the view: its length,
// and where the part of it that is seen begins, in the box and in the view.
struct Side {
  std::size_t length;
  std::size_t first;
  std::size_t count;
  std::size_t at;
};

Side read_side(const Napi::Array& box, std::uint32_t start, std::size_t view) {
  const double from = read_finite(box.Get(start), "placed");
  const std::uint64_t length = read_integer(box.Get(start + 2), "placed", 1, max_scaled);
  const double end = from + static_cast<double>(length);
  const double last = static_cast<double>(view);
  if (std::floor(from) != from || from >= last || end <= 0) {
    throw invalid_argument("Expected whole numbers for placed, and a part of it within the view.");
  }
  const double seen = std::max(from, 0.0);
  const auto whole = [](double value) { return static_cast<std::size_t>(value); };
  return {static_cast<std::size_t>(length), whole(seen - from), whole(std::min(end, last) - seen),
          whole(seen)};
}

image::Filter read_filter(const Napi::Value& value) {
  const std::string name = read_string(value, "filter");
  if (name == "bilinear") return image::Filter::bilinear;
  if (name == "bicubic") return image::Filter::bicubic;
  if (name == "lanczos") return image::Filter::lanczos;
  throw invalid_argument("Expected bilinear, bicubic or lanczos for filter.");
}

// Nine numbers a view, in the order of image::View.
std::vector<image::View> read_views(const Napi::Value& value) {
  const std::vector<double> numbers = read_doubles(value, "views");
  std::vector<image::View> views;
  for (std::size_t i = 0; i + 9 <= numbers.size(); i += 9) {
    const double* n = numbers.data() + i;
    views.push_back({n[0] != 0, n[1], n[2], n[3] != 0, n[4], n[5], n[6], n[7], n[8]});
  }
  if (views.empty() || 9 * views.size() != numbers.size()) {
    throw invalid_argument("Expected nine numbers for each of views.");
  }
  return views;
}

std::uint8_t* read_pixels(const Napi::Value& value, const char* name, std::size_t length) {
  const std::span<std::uint8_t> bytes = read_bytes(value, name);
  if (bytes.size() != length) {
    throw invalid_argument("Expected " + std::to_string(length) + " bytes for " + name + ".");
  }
  return bytes.data();
}

}  // namespace

void Rendering::run() const {
  const std::size_t bytes = 3 * size.height * size.width;
  const bool first_is_plain = views.front().is_plain();
  // Where the first view is the plain image, it is made in its place.
  std::vector<std::uint8_t> own(first_is_plain ? 0 : bytes);
  std::uint8_t* plain = first_is_plain ? target : own.data();
  if (window.height != size.height || window.width != size.width) {
    std::fill(plain, plain + bytes, std::uint8_t{0});
  }
  image::resample(pixels, source, part, filter, scaled, window,
                  plain + 3 * (top * size.width + left), 3 * size.width);
  for (std::size_t v = first_is_plain ? 1 : 0; v < views.size(); ++v) {
    image::apply_view(plain, size, views[v], target + v * bytes);
  }
}

Rendering read_views_of_picture(const Napi::Object& job) {
  Rendering rendering;
  rendering.size = read_size(job, "height", "width");
  const Napi::Array placed = read_array(job.Get("placed"), "placed");
  const Side rows = read_side(placed, 0, rendering.size.height);
  const Side columns = read_side(placed, 1, rendering.size.width);
  rendering.scaled = {rows.length, columns.length};
  rendering.window = {rows.first, columns.first, rows.count, columns.count};
  rendering.top = rows.at;
  rendering.left = columns.at;
  rendering.filter = read_filter(job.Get("filter"));
  rendering.views = read_views(job.Get("views"));
  rendering.target =
      read_pixels(job.Get("target"), "target",
                  3 * rendering.size.height * rendering.size.width * rendering.views.size());
  return rendering;
}

Rendering read_rendering(const Napi::Object& job) {
  Rendering rendering = read_views_of_picture(job);
  rendering.source = read_size(job, "sourceHeight", "sourceWidth");
  rendering.part = read_box(job.Get("part"), "part", rendering.source);
  rendering.pixels = read_pixels(job.Get("pixels"), "pixels",
                                 3 * rendering.source.height * rendering.source.width);
  return rendering;
}

}  // namespace headstart
