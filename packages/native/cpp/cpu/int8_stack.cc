#include "cpu/int8_stack.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "cpu/compute.h"
#include "head/error.h"

namespace headstart::cpu {
namespace {

constexpr std::size_t taps = 9;
constexpr std::size_t colours = 3;
// Bytes that are multiplied at once: inputs are rounded up to these, with kernels of zero.
constexpr std::size_t unit = 4;
// Filters come in vectors of every instruction set.
constexpr std::size_t filter_unit = 16;
// Kernels of layers with fewer inputs stay in the second-level cache.
constexpr std::size_t deep_inputs = 128;
// Pixels of a task: enough that reading the kernels is little beside the products.
constexpr std::size_t task_pixels = 448;

// A map has an edge of one pixel around it, so that no window leaves it.
std::size_t line_bytes(const Shape& map) { return (map.width + 2) * round_up(map.channels, unit); }

std::size_t map_bytes(const Shape& map) { return (map.height + 2) * line_bytes(map); }

// The pixel at the row and column, counted without the edge.
std::size_t pixel_at(const Shape& map, std::size_t y, std::size_t x) {
  return (y + 1) * line_bytes(map) + (x + 1) * round_up(map.channels, unit);
}

void largest_of_four(const std::uint8_t* const* from, std::size_t count, std::uint8_t* to) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = std::max(std::max(from[0][i], from[1][i]), std::max(from[2][i], from[3][i]));
  }
}

// Whatever the pixels are, sums stay within 32 bits.
void check_numbers(const Int8Layer& layer, std::uint8_t in_zero) {
  constexpr std::int64_t most = 0x7FFFFFFF;
  const std::size_t filters = layer.bias.size();
  for (std::size_t f = 0; f < filters; ++f) {
    std::int64_t weights = 0;
    for (std::size_t i = f; i < layer.kernel.size(); i += filters) {
      weights += std::abs(std::int64_t{layer.kernel[i]});
    }
    const std::int64_t bias = std::abs(std::int64_t{layer.bias[f]});
    if (bias + (255 + in_zero) * weights > most) {
      throw invalid_argument("A sum of the stack may not fit into 32 bits.");
    }
    if (!std::isfinite(layer.scale[f])) {
      throw invalid_argument("A scale of the stack is not finite.");
    }
  }
}

}  // namespace

Int8Stack::Int8Stack(std::size_t height, std::size_t width, std::uint8_t zero_point,
                     const std::vector<Int8Layer>& layers, float scale, unsigned threads)
    : input_{height, width, colours},
      output_(input_),
      scale_(scale),
      pool_(threads),
      kernels_(best_int8_kernels()) {
  if (layers.empty()) throw invalid_argument("A stack has at least one layer.");
  std::uint8_t in_zero = zero_point;
  for (const Int8Layer& layer : layers) {
    const std::size_t filters = layer.bias.size();
    if (filters == 0 || filters % filter_unit != 0 || layer.scale.size() != filters ||
        layer.kernel.size() != taps * output_.channels * filters) {
      throw invalid_argument("A kernel of the stack has not 3x3 taps of whole vectors of filters.");
    }
    if (layer.pool && (output_.height % 2 != 0 || output_.width % 2 != 0)) {
      throw invalid_argument("A pool of the stack would halve an odd side.");
    }
    check_numbers(layer, in_zero);
    prepare(layer, in_zero);
    in_zero = layer.zero_point;
  }
  while (one_by_one_ < layers_.size() && layers_[one_by_one_].input.channels < deep_inputs) {
    ++one_by_one_;
  }
}

void Int8Stack::prepare(const Int8Layer& layer, std::uint8_t in_zero) {
  Convolution made;
  made.input = output_;
  made.pool = layer.pool;
  made.in_zero = in_zero;
  made.out_zero = layer.zero_point;
  const std::size_t inputs = output_.channels;
  const std::size_t padded = round_up(inputs, unit);
  const std::size_t filters = layer.bias.size();
  const std::size_t panel = kernels_.panel;
  const std::size_t panels = ceil_div(filters, panel);
  made.bias.assign(panels * panel, 0);
  made.scale.assign(panels * panel, 0.0f);
  std::copy(layer.bias.begin(), layer.bias.end(), made.bias.begin());
  std::copy(layer.scale.begin(), layer.scale.end(), made.scale.begin());
  const std::size_t packed = panels * taps * padded * panel;
  std::int8_t* to = made.kernel.require(packed);
  std::fill_n(to, packed, std::int8_t{0});
  for (std::size_t tap = 0; tap < taps; ++tap) {
    for (std::size_t c = 0; c < inputs; ++c) {
      const std::int8_t* from = layer.kernel.data() + (tap * inputs + c) * filters;
      const std::size_t four = (tap * padded + c) / unit;
      for (std::size_t f = 0; f < filters; ++f) {
        const std::size_t block = f / panel * (taps * padded / unit) + four;
        to[(block * panel + f % panel) * unit + c % unit] = from[f];
        // Sums are of levels less the one for zero.
        made.bias[f] -= in_zero * from[f];
      }
    }
  }
  output_.channels = filters;
  if (layer.pool) {
    output_.height /= 2;
    output_.width /= 2;
  }
  made.output = output_;
  layers_.push_back(std::move(made));
}

void Int8Stack::run(const std::uint8_t* images, std::size_t count, float* to) {
  std::size_t largest = 0;
  std::size_t largest_deep = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    std::size_t& largest_of = i < one_by_one_ ? largest : largest_deep;
    largest_of = std::max({largest_of, map_bytes(layers_[i].input), map_bytes(layers_[i].output)});
  }
  const std::size_t bytes = std::max(largest, count * largest_deep);
  std::uint8_t* buffers[2] = {activations_[0].require(bytes), activations_[1].require(bytes)};
  // The image-by-image part ends in a map; at least the first layer, of three inputs, is in it.
  const Shape& middle = layers_[one_by_one_ - 1].output;
  std::uint8_t* gathered = gathered_.require(count * map_bytes(middle));
  for (std::size_t i = 0; i < count; ++i) {
    fill_image(images + i * input_.size(), buffers[0]);
    const std::uint8_t* x = buffers[0];
    for (std::size_t k = 0; k < one_by_one_; ++k) {
      std::uint8_t* y =
          k + 1 == one_by_one_ ? gathered + i * map_bytes(middle) : buffers[(k + 1) % 2];
      run_layer(layers_[k], x, 1, y);
      x = y;
    }
  }
  const std::uint8_t* x = gathered;
  for (std::size_t k = one_by_one_; k < layers_.size(); ++k) {
    run_layer(layers_[k], x, count, buffers[k % 2]);
    x = buffers[k % 2];
  }
  to_floats(x, count, to);
}

// Pixels with a fourth channel of zeros.
void Int8Stack::fill_image(const std::uint8_t* image, std::uint8_t* to) {
  std::fill_n(to, map_bytes(input_), layers_.front().in_zero);
  for (std::size_t y = 0; y < input_.height; ++y) {
    const std::uint8_t* from = image + y * input_.width * colours;
    std::uint8_t* line = to + pixel_at(input_, y, 0);
    for (std::size_t x = 0; x < input_.width; ++x) {
      for (std::size_t c = 0; c < colours; ++c) line[x * unit + c] = from[x * colours + c];
    }
  }
}

void Int8Stack::fill_edge(const Convolution& layer, std::uint8_t* map) {
  const Shape& shape = layer.output;
  const std::size_t line = line_bytes(shape);
  const std::size_t pixel = shape.channels;
  std::fill_n(map, line, layer.out_zero);
  for (std::size_t y = 1; y <= shape.height; ++y) {
    std::fill_n(map + y * line, pixel, layer.out_zero);
    std::fill_n(map + (y + 1) * line - pixel, pixel, layer.out_zero);
  }
  std::fill_n(map + (shape.height + 1) * line, line, layer.out_zero);
}

void Int8Stack::run_layer(const Convolution& layer, const std::uint8_t* from, std::size_t count,
                          std::uint8_t* to) {
  for (std::size_t i = 0; i < count; ++i) fill_edge(layer, to + i * map_bytes(layer.output));
  const std::size_t step = layer.pool ? 2 : 1;
  const std::size_t all = count * layer.input.height / step;
  const std::size_t most = std::max(task_pixels / (layer.input.width * step), std::size_t{1});
  const std::size_t tasks = round_up(ceil_div(all, most), pool_.threads());
  const std::size_t rows = ceil_div(all, tasks);
  const std::size_t pixels = rows * step * layer.input.width;
  windows_.require(pool_.threads(), pixels);
  outs_.require(pool_.threads(), pixels);
  if (layer.pool) scratch_.require(pool_.threads(), pixels * layer.output.channels);
  pool_.run(ceil_div(all, rows), [&](std::size_t task, unsigned worker) {
    const std::size_t begin = task * rows;
    const std::size_t used = std::min(rows, all - begin);
    run_rows(layer, from, begin * step, used * step, to, worker);
  });
}

// Rows [begin, begin + rows) of all images' rows of input.
void Int8Stack::run_rows(const Convolution& layer, const std::uint8_t* from, std::size_t begin,
                         std::size_t rows, std::uint8_t* to, unsigned worker) {
  const Shape& in = layer.input;
  const std::size_t filters = layer.output.channels;
  const std::size_t inputs = round_up(in.channels, unit);
  const std::size_t pixels = rows * in.width;
  const std::uint8_t** windows = windows_.of(worker);
  std::uint8_t** outs = outs_.of(worker);
  std::uint8_t* spare = layer.pool ? scratch_.of(worker) : nullptr;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t image = (begin + row) / in.height;
    const std::size_t y = (begin + row) % in.height;
    const std::uint8_t* seen = from + image * map_bytes(in) + y * line_bytes(in);
    std::uint8_t* made = spare
                             ? spare + row * in.width * filters
                             : to + image * map_bytes(layer.output) + pixel_at(layer.output, y, 0);
    for (std::size_t x = 0; x < in.width; ++x) {
      windows[row * in.width + x] = seen + x * inputs;
      outs[row * in.width + x] = made + x * filters;
    }
  }
  const std::size_t panel = kernels_.panel;
  const std::int8_t* kernel = layer.kernel.data();
  for (std::size_t f = 0; f < filters; f += panel, kernel += taps * inputs * panel) {
    kernels_.block({windows, outs, pixels, line_bytes(in), 3 * inputs, kernel,
                    layer.bias.data() + f, layer.scale.data() + f, layer.out_zero,
                    std::min(panel, filters - f)});
    for (std::size_t i = 0; i < pixels; ++i) outs[i] += panel;
  }
  if (!spare) return;
  const std::size_t line = in.width * filters;
  for (std::size_t row = 0; row < rows; row += 2) {
    const std::size_t image = (begin + row) / in.height;
    const std::size_t y = (begin + row) % in.height / 2;
    std::uint8_t* map = to + image * map_bytes(layer.output);
    for (std::size_t x = 0; x < layer.output.width; ++x) {
      const std::uint8_t* first = spare + row * line + 2 * x * filters;
      const std::uint8_t* seen[] = {first, first + filters, first + line, first + line + filters};
      largest_of_four(seen, filters, map + pixel_at(layer.output, y, x));
    }
  }
}

void Int8Stack::to_floats(const std::uint8_t* levels, std::size_t count, float* to) {
  const std::size_t line = output_.width * output_.channels;
  const std::int32_t zero = layers_.back().out_zero;
  pool_.run(count * output_.height, [&](std::size_t row) {
    const std::uint8_t* from = levels + row / output_.height * map_bytes(output_) +
                               pixel_at(output_, row % output_.height, 0);
    for (std::size_t i = 0; i < line; ++i) {
      to[row * line + i] = static_cast<float>(from[i] - zero) * scale_;
    }
  });
}

std::size_t Int8Stack::bytes() const noexcept {
  std::size_t sum = activations_[0].bytes() + activations_[1].bytes() + gathered_.bytes() +
                    scratch_.bytes() + windows_.bytes() + outs_.bytes();
  for (const Convolution& layer : layers_) sum += layer.kernel.bytes();
  return sum;
}

}  // namespace headstart::cpu
