#include "image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
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

// The weights of an axis.
class Axis {
 public:
  Axis(std::size_t from, std::size_t to, Kernel kernel) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double wide = std::max(scale, 1.0);
    const double support = kernel.support * wide;
    taps_ = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
    values_.resize(to * taps_);
    first_.resize(to);
    length_.resize(to);
    std::vector<double> exact(taps_);
    for (std::size_t i = 0; i < to; ++i) {
      const double centre = (static_cast<double>(i) + 0.5) * scale;
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

void resample(const std::uint8_t* pixels, Size source, Box box, Filter filter, Size size,
              std::uint8_t* out, std::size_t stride) {
  const Kernels& kernels = best_kernels();
  const Kernel kernel = kernel_of(filter);
  const std::size_t line = 3 * size.width;
  const std::uint8_t* rows = pixels + 3 * (box.top * source.width + box.left);
  std::size_t rows_stride = 3 * source.width;
  std::vector<std::uint8_t> narrow;
  if (box.width != size.width) {
    const Axis axis(box.width, size.width, kernel);
    narrow.resize(box.height * line + 1);
    // The last row is copied, as a byte behind it is read.
    std::vector<std::uint8_t> last(3 * box.width + 1);
    for (std::size_t y = 0; y < box.height; ++y) {
      const std::uint8_t* row = rows + y * rows_stride;
      if (y + 1 == box.height) {
        std::memcpy(last.data(), row, 3 * box.width);
        row = last.data();
      }
      kernels.horizontal(row, axis.weights(), narrow.data() + y * line);
    }
    rows = narrow.data();
    rows_stride = line;
  }
  if (box.height == size.height) {
    for (std::size_t y = 0; y < size.height; ++y) {
      std::memcpy(out + y * stride, rows + y * rows_stride, line);
    }
    return;
  }
  const Axis axis(box.height, size.height, kernel);
  const Weights weights = axis.weights();
  for (std::size_t y = 0; y < size.height; ++y) {
    kernels.vertical(rows + static_cast<std::size_t>(weights.first[y]) * rows_stride, rows_stride,
                     weights.values + y * weights.taps,
                     static_cast<std::size_t>(weights.length[y]), out + y * stride, line);
  }
}

}  // namespace headstart::image
