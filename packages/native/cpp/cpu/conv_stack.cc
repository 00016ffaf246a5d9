#include "cpu/conv_stack.h"

#include <algorithm>
#include <array>
#include <string>

#include "cpu/winograd_product.h"
#include "head/error.h"

namespace headstart::cpu {
namespace {

constexpr std::size_t side = 6;
constexpr std::size_t points = side * side;
constexpr std::size_t made = 4;
constexpr std::size_t taps = 9;
constexpr std::size_t colours = 3;
// Filters come in vectors of every instruction set.
constexpr std::size_t filter_unit = 16;
// Kernels of layers with fewer inputs stay in the second-level cache.
constexpr std::size_t deep_inputs = 128;
// Floats that one task's points and sums take, where kernels are small; and tiles of it at least.
constexpr std::size_t task_floats = 150'000;
constexpr std::size_t least_tiles = 64;
constexpr std::size_t most_tiles = 256;

}  // namespace

ConvStack::ConvStack(std::size_t height, std::size_t width, const std::vector<float>& scale,
                     const std::vector<float>& shift, const std::vector<StackLayer>& layers,
                     unsigned threads)
    : input_{height, width, colours}, pool_(threads), kernels_(best_kernels()) {
  if (layers.empty()) throw invalid_argument("A stack has at least one layer.");
  if (scale.size() != colours || shift.size() != colours) {
    throw invalid_argument("Pixels have three scales and three shifts.");
  }
  std::copy_n(scale.begin(), colours, scale_);
  std::copy_n(shift.begin(), colours, shift_);
  output_ = input_;
  std::size_t widest = 0;
  for (const StackLayer& layer : layers) {
    const std::size_t filters = layer.bias.size();
    if (filters == 0 || filters % filter_unit != 0 ||
        layer.kernel.size() != taps * output_.channels * filters) {
      throw invalid_argument("A kernel of the stack has not 3x3 taps of whole vectors of filters.");
    }
    if (layer.pool && (output_.height % 2 != 0 || output_.width % 2 != 0)) {
      throw invalid_argument("A pool of the stack would halve an odd side.");
    }
    if (&layer == &layers.front()) {
      prepare_first(layer);
    } else {
      prepare(layer);
    }
    widest = std::max(widest, filters);
  }
  zeros_.assign(widest, 0.0f);
  while (one_by_one_ < layers_.size() && layers_[one_by_one_].input.channels < deep_inputs) {
    ++one_by_one_;
  }
}

void ConvStack::prepare_first(const StackLayer& layer) {
  if (layer.pool) throw invalid_argument("The first layer of a stack has no pool.");
  const std::size_t filters = layer.bias.size();
  const std::size_t panel = kernels_.panel;
  float* to = first_kernel_.require(ceil_div(filters, panel) * taps * colours * panel);
  pack(layer.kernel.data(), taps * colours, filters, to);
  first_bias_ = layer.bias;
  output_.channels = filters;
}

// points [inputs, filters] to panels.
void ConvStack::pack(const float* from, std::size_t inputs, std::size_t filters, float* to) const {
  const std::size_t panel = kernels_.panel;
  for (std::size_t begin = 0; begin < filters; begin += panel) {
    const std::size_t used = std::min(panel, filters - begin);
    for (std::size_t i = 0; i < inputs; ++i, to += panel) {
      std::copy_n(from + i * filters + begin, used, to);
      std::fill(to + used, to + panel, 0.0f);
    }
  }
}

void ConvStack::prepare(const StackLayer& layer) {
  Convolution made_layer;
  made_layer.input = output_;
  made_layer.bias = layer.bias;
  made_layer.pool = layer.pool;
  made_layer.down = ceil_div(output_.height, made);
  made_layer.across = ceil_div(output_.width, made);
  const std::size_t inputs = output_.channels;
  const std::size_t filters = layer.bias.size();
  const std::size_t size = inputs * filters;
  const std::size_t packed = ceil_div(filters, kernels_.panel) * kernels_.panel * inputs;
  float* to = made_layer.points.require(points * packed);
  // G g Gᵀ: first down the kernel, then along each of the six lines.
  std::vector<float> lines(side * 3 * size);
  for (std::size_t x = 0; x < 3; ++x) {
    const float* in[3];
    float* out[side];
    for (std::size_t y = 0; y < 3; ++y) in[y] = layer.kernel.data() + (y * 3 + x) * size;
    for (std::size_t y = 0; y < side; ++y) out[y] = lines.data() + (y * 3 + x) * size;
    kernels_.winograd.kernel(in, out, size);
  }
  // Taken before the tasks, which must not throw.
  Scratch<float> line;
  line.require(pool_.threads(), side * size);
  pool_.run(side, [&](std::size_t y, unsigned worker) {
    const float* in[3];
    float* out[side];
    for (std::size_t x = 0; x < 3; ++x) in[x] = lines.data() + (y * 3 + x) * size;
    for (std::size_t x = 0; x < side; ++x) out[x] = line.of(worker) + x * size;
    kernels_.winograd.kernel(in, out, size);
    for (std::size_t x = 0; x < side; ++x)
      pack(out[x], inputs, filters, to + (y * side + x) * packed);
  });
  output_.channels = filters;
  if (layer.pool) {
    output_.height /= 2;
    output_.width /= 2;
  }
  made_layer.output = output_;
  layers_.push_back(std::move(made_layer));
}

void ConvStack::run(const std::uint8_t* images, std::size_t count, float* to) {
  Shape first = input_;
  first.channels = first_bias_.size();
  std::size_t largest = first.size();
  std::size_t largest_deep = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    std::size_t& largest_of = i < one_by_one_ ? largest : largest_deep;
    largest_of = std::max(largest_of, layers_[i].output.size());
  }
  const Shape& middle = one_by_one_ > 0 ? layers_[one_by_one_ - 1].output : first;
  const bool deep = one_by_one_ < layers_.size();
  float* gathered = deep ? gathered_.require(count * middle.size()) : to;
  const std::size_t floats = std::max(largest, count * largest_deep);
  float* buffers[2] = {activations_[0].require(floats), activations_[1].require(floats)};
  for (std::size_t i = 0; i < count; ++i) {
    float* result = gathered + i * middle.size();
    const float* x = one_by_one_ > 0 ? buffers[0] : result;
    run_first(images + i * input_.size(), one_by_one_ > 0 ? buffers[0] : result);
    for (std::size_t k = 0; k < one_by_one_; ++k) {
      float* y = k + 1 == one_by_one_ ? result : buffers[(k + 1) % 2];
      run_layer(layers_[k], x, 1, y);
      x = y;
    }
  }
  const float* x = gathered;
  for (std::size_t k = one_by_one_; k < layers_.size(); ++k) {
    float* y = k + 1 == layers_.size() ? to : buffers[k % 2];
    run_layer(layers_[k], x, count, y);
    x = y;
  }
}

void ConvStack::run_first(const std::uint8_t* image, float* to) {
  const std::size_t height = input_.height;
  const std::size_t width = input_.width;
  const std::size_t line = (width + 2) * colours;
  const std::size_t filters = first_bias_.size();
  float* pixels = pixels_.require((height + 2) * line);
  std::fill_n(pixels, line, 0.0f);
  std::fill_n(pixels + (height + 1) * line, line, 0.0f);
  constexpr std::size_t inputs = taps * colours;
  scratch_.require(pool_.threads(), width * inputs);
  pool_.run(height, [&](std::size_t y) {
    float* row = pixels + (y + 1) * line;
    std::fill_n(row, colours, 0.0f);
    std::fill_n(row + line - colours, colours, 0.0f);
    const std::uint8_t* from = image + y * width * colours;
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t c = 0; c < colours; ++c) {
        row[(x + 1) * colours + c] =
            static_cast<float>(from[x * colours + c]) * scale_[c] + shift_[c];
      }
    }
  });
  pool_.run(height, [&](std::size_t y, unsigned worker) {
    float* rows = scratch_.of(worker);
    float* out = to + y * width * filters;
    std::fill_n(out, width * filters, 0.0f);
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t dy = 0; dy < 3; ++dy) {
        std::copy_n(pixels + (y + dy) * line + x * colours, 3 * colours,
                    rows + x * inputs + dy * 3 * colours);
      }
    }
    constexpr std::size_t block = 64;
    std::array<const Word*, block> a;
    std::array<float*, block> c;
    for (std::size_t begin = 0; begin < width; begin += block) {
      const std::size_t used = std::min(block, width - begin);
      const float* kernel = first_kernel_.data();
      for (std::size_t f = 0; f < filters; f += kernels_.panel, kernel += inputs * kernels_.panel) {
        for (std::size_t i = 0; i < used; ++i) {
          a[i] = rows + (begin + i) * inputs;
          c[i] = out + (begin + i) * filters + f;
        }
        kernels_.fp32.rows({a.data(), c.data(), used, kernel, kernels_.panel, inputs,
                            std::min(kernels_.panel, filters - f)});
      }
    }
    kernels_.tiles.bias_relu(out, width, first_bias_.data(), filters);
  });
}

void ConvStack::run_layer(const Convolution& layer, const float* from, std::size_t count,
                          float* to) {
  const std::size_t filters = layer.bias.size();
  const std::size_t inputs = layer.input.channels;
  const std::size_t all = count * layer.down * layer.across;
  const std::size_t fitting = task_floats / (points * (inputs + filters));
  const std::size_t most = std::clamp(fitting, least_tiles, most_tiles);
  const std::size_t tasks = round_up(ceil_div(all, most), pool_.threads());
  const std::size_t tiles = ceil_div(all, tasks);
  scratch_.require(pool_.threads(),
                   points * (point_stride(tiles, inputs) + point_stride(tiles, filters)) + filters);
  pool_.run(ceil_div(all, tiles), [&](std::size_t task, unsigned worker) {
    const std::size_t begin = task * tiles;
    run_tiles(layer, from, begin, std::min(tiles, all - begin), to, worker);
  });
}

void ConvStack::run_tiles(const Convolution& layer, const float* from, std::size_t begin,
                          std::size_t tiles, float* to, unsigned worker) {
  const auto [height, width, inputs] = layer.input;
  const std::size_t filters = layer.bias.size();
  const std::size_t panel = kernels_.panel;
  const std::size_t in_point = point_stride(tiles, inputs);
  const std::size_t out_point = point_stride(tiles, filters);
  float* const in = scratch_.of(worker);
  float* const sums = in + points * in_point;
  float* const spare = sums + points * out_point;
  const std::size_t per_image = layer.down * layer.across;
  for (std::size_t t = 0; t < tiles; ++t) {
    const std::size_t image = (begin + t) / per_image;
    const std::size_t tile = (begin + t) % per_image;
    const std::size_t top = tile / layer.across * made;
    const std::size_t left = tile % layer.across * made;
    const float* map = from + image * layer.input.size();
    const float* seen[points];
    for (std::size_t dy = 0; dy < side; ++dy) {
      for (std::size_t dx = 0; dx < side; ++dx) {
        // Pixel top + dy - 1, left + dx - 1, if it is there.
        const std::size_t y = top + dy;
        const std::size_t x = left + dx;
        const bool there = y >= 1 && y <= height && x >= 1 && x <= width;
        seen[dy * side + dx] = there ? map + ((y - 1) * width + x - 1) * inputs : zeros_.data();
      }
    }
    kernels_.tiles.input(seen, in + t * inputs, in_point, inputs);
  }
  std::fill_n(sums, points * out_point, 0.0f);
  std::array<const Word*, most_tiles> a;
  std::array<float*, most_tiles> c;
  const float* kernel = layer.points.data();
  for (std::size_t point = 0; point < points; ++point) {
    for (std::size_t t = 0; t < tiles; ++t) a[t] = in + point * in_point + t * inputs;
    for (std::size_t f = 0; f < filters; f += panel, kernel += inputs * panel) {
      for (std::size_t t = 0; t < tiles; ++t) c[t] = sums + point * out_point + t * filters + f;
      kernels_.fp32.rows(
          {a.data(), c.data(), tiles, kernel, panel, inputs, std::min(panel, filters - f)});
    }
  }
  const std::size_t step = layer.pool ? 2 : 1;
  for (std::size_t t = 0; t < tiles; ++t) {
    const std::size_t image = (begin + t) / per_image;
    const std::size_t tile = (begin + t) % per_image;
    const std::size_t top = tile / layer.across * made / step;
    const std::size_t left = tile % layer.across * made / step;
    float* map = to + image * layer.output.size();
    float* out[made * made];
    const std::size_t outs = made / step;
    for (std::size_t dy = 0; dy < outs; ++dy) {
      for (std::size_t dx = 0; dx < outs; ++dx) {
        const bool there = top + dy < layer.output.height && left + dx < layer.output.width;
        out[dy * outs + dx] =
            there ? map + ((top + dy) * layer.output.width + left + dx) * filters : spare;
      }
    }
    kernels_.tiles.output(
        {sums + t * filters, out_point, layer.bias.data(), out, filters, layer.pool});
  }
}

std::size_t ConvStack::bytes() const noexcept {
  std::size_t sum = first_kernel_.bytes() + pixels_.bytes() + activations_[0].bytes() +
                    activations_[1].bytes() + gathered_.bytes() + scratch_.bytes();
  for (const Convolution& layer : layers_) sum += layer.points.bytes();
  return sum;
}

}  // namespace headstart::cpu
