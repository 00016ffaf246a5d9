#include "image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <optional>
#include <vector>

#include "image/kernels.h"

namespace headstart::image {
namespace {

double bilinear(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

struct Kernel {
  double (*value)(double);
  double support;
};

Kernel kernel_of(Filter filter) {
  switch (filter) {
    case Filter::bicubic:
      return {bicubic, 2.0};
    case Filter::lanczos:
      return {lanczos, 3.0};
    default:
      return {bilinear, 1.0};
  }
}

// The weights of an axis, for `count` of its positions from `start` on.
class Axis {
 public:
  Axis(std::size_t from, std::size_t to, Kernel kernel, std::size_t start, std::size_t count) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double wide = std::max(scale, 1.0);
    const double support = kernel.support * wide;
    taps_ = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
    values_.resize(count * taps_);
    first_.resize(count);
    length_.resize(count);
    std::vector<double> exact(taps_);
    for (std::size_t i = 0; i < count; ++i) {
      const double centre = (static_cast<double>(start + i) + 0.5) * scale;
      const int begin = std::max(static_cast<int>(centre - support + 0.5), 0);
      const int end = std::min(static_cast<int>(centre + support + 0.5), static_cast<int>(from));
      double sum = 0.0;
      for (int k = 0; k < end - begin; ++k) {
        const auto at = static_cast<std::size_t>(k);
        exact[at] = kernel.value((k + begin - centre + 0.5) * (1.0 / wide));
        sum += exact[at];
      }
      first_[i] = begin;
      length_[i] = end - begin;
      for (std::size_t k = 0; k < static_cast<std::size_t>(end - begin); ++k) {
        const double weight = (sum != 0.0 ? exact[k] / sum : exact[k]) * (1 << weight_bits);
        values_[i * taps_ + k] = static_cast<std::int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
      }
    }
  }

  Weights weights() const {
    return {first_.size(), taps_, first_.data(), length_.data(), values_.data()};
  }

 private:
  std::size_t taps_;
  std::vector<std::int32_t> first_, length_, values_;
};

}  // namespace

void resample(const std::uint8_t* pixels, Size source, Box box, Filter filter, Size size, Box window,
              std::uint8_t* out, std::size_t stride) {
  const Kernels& kernels = best_kernels();
  const Kernel kernel = kernel_of(filter);
  const std::size_t line = 3 * window.width;
  std::optional<Axis> down;
  // The rows of the box that the window is made of.
  std::size_t first_row = window.top, row_count = window.height;
  if (box.height != size.height) {
    const Weights weights =
        down.emplace(box.height, size.height, kernel, window.top, window.height).weights();
    const std::size_t last = weights.count - 1;
    first_row = static_cast<std::size_t>(weights.first[0]);
    row_count = static_cast<std::size_t>(weights.first[last] + weights.length[last]) - first_row;
  }
  const std::uint8_t* rows = pixels + 3 * ((box.top + first_row) * source.width + box.left);
  std::size_t rows_stride = 3 * source.width;
  std::vector<std::uint8_t> narrow;
  if (box.width != size.width) {
    const Axis across(box.width, size.width, kernel, window.left, window.width);
    narrow.resize(row_count * line + 1);
    // The last row is copied, as a byte behind it is read.
    std::vector<std::uint8_t> last(3 * box.width + 1);
    for (std::size_t y = 0; y < row_count; ++y) {
      const std::uint8_t* row = rows + y * rows_stride;
      if (y + 1 == row_count) {
        std::memcpy(last.data(), row, 3 * box.width);
        row = last.data();
      }
      kernels.horizontal(row, across.weights(), narrow.data() + y * line);
    }
    rows = narrow.data();
    rows_stride = line;
  } else {
    rows += 3 * window.left;
  }
  if (!down) {
    for (std::size_t y = 0; y < window.height; ++y) {
      std::memcpy(out + y * stride, rows + y * rows_stride, line);
    }
    return;
  }
  const Weights weights = down->weights();
  for (std::size_t y = 0; y < window.height; ++y) {
    const std::size_t from = static_cast<std::size_t>(weights.first[y]) - first_row;
    kernels.vertical(rows + from * rows_stride, rows_stride, weights.values + y * weights.taps,
                     static_cast<std::size_t>(weights.length[y]), out + y * stride, line);
  }
}

}  // namespace headstart::image
