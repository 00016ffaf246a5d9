#include <algorithm>
#include <array>
#include <vector>

#include "cpu/layer.h"

namespace headstart::cpu {
namespace {

// An output pixel and the input pixel that one tap of the kernel puts under it.
struct PixelPair {
  std::uint32_t out;
  std::uint32_t in;
};

// The pairs of one tap (dy, dx from the centre): pairs outside the map are left out, so that
// nothing is ever multiplied by padding.
std::vector<PixelPair> pairs_of_tap(const Shape& map, std::ptrdiff_t dy, std::ptrdiff_t dx) {
  const auto height = static_cast<std::ptrdiff_t>(map.height);
  const auto width = static_cast<std::ptrdiff_t>(map.width);
  std::vector<PixelPair> pairs;
  for (std::ptrdiff_t y = 0; y < height; ++y) {
    for (std::ptrdiff_t x = 0; x < width; ++x) {
      const std::ptrdiff_t from_y = y + dy;
      const std::ptrdiff_t from_x = x + dx;
      if (from_y < 0 || from_y >= height || from_x < 0 || from_x >= width) continue;
      pairs.push_back({static_cast<std::uint32_t>(y * width + x),
                       static_cast<std::uint32_t>(from_y * width + from_x)});
    }
  }
  return pairs;
}

// Same padding, stride 1; W: [k, k, C, F], b: [F]. One product a tap over the pixels that the tap
// reaches: y[out] += x[in] W[tap].
class Conv2d final : public Layer {
 public:
  explicit Conv2d(const PlannedLayer& layer) : Layer(layer) {
    const auto reach = static_cast<std::ptrdiff_t>(layer.spec.kernel_size / 2);
    for (std::ptrdiff_t dy = -reach; dy <= reach; ++dy) {
      for (std::ptrdiff_t dx = -reach; dx <= reach; ++dx) {
        taps_.push_back(pairs_of_tap(layer.input, dy, dx));
      }
    }
    transposed_ = std::vector<RightMatrix>(taps_.size());
    samples_per_task_ = std::max(task_pixels / pixels(), std::size_t{1});
  }

  void forward(const Pass& pass, SampleRows x, float* y) override {
    const float* bias = pass.parameters + plan().bias_offset;
    right_.prepare(pass.compute, pass.parameters + plan().kernel_offset, taps_.size() * inputs(),
                   filters());
    for_sample_groups(pass, [&](std::size_t begin, std::size_t end) {
      for (std::size_t p = begin * pixels(); p < end * pixels(); ++p) {
        std::copy_n(bias, filters(), y + p * filters());
      }
      const auto from = [&](std::size_t n, PixelPair pair) { return x[n] + pair.in * inputs(); };
      const auto to = [&](std::size_t n, PixelPair pair) {
        return y + (n * pixels() + pair.out) * filters();
      };
      for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
        add_products(pass, tap, begin, end, from, to, right_, tap * inputs(), inputs());
      }
      if (plan().spec.relu) {
        relu_forward(y + begin * pixels() * filters(), (end - begin) * pixels() * filters());
      }
    });
  }

  void backward(const Pass& pass, SampleRows x, const float* y, float* d_y, float* d_x) override {
    const std::size_t count = pass.samples * pixels();
    if (plan().spec.relu) relu_backward(y, d_y, count * filters());
    sum_rows(d_y, count, filters(), pass.gradients + plan().bias_offset);
    padded_.prepare(pass.compute, d_y, count, filters());
    backward_kernel(pass, x);
    if (d_x) backward_input(pass, d_y, d_x);
  }

  std::size_t scratch_bytes() const override {
    std::size_t bytes = right_.bytes() + padded_.bytes();
    for (const RightMatrix& matrix : transposed_) bytes += matrix.bytes();
    return bytes;
  }

 private:
  // Output pixels of one task, and pointers gathered for one call of a kernel.
  static constexpr std::size_t task_pixels = 196;
  static constexpr std::size_t gathered = 252;
  static constexpr std::size_t gathered_outer = 512;
  // Input channels whose kernel gradient one task computes.
  static constexpr std::size_t task_channels = 48;

  std::size_t inputs() const { return plan().input.channels; }
  std::size_t filters() const { return plan().output.channels; }
  std::size_t pixels() const { return plan().input.pixels(); }

  template <class Body>
  void for_sample_groups(const Pass& pass, const Body& body) const {
    pass.compute.pool.run(ceil_div(pass.samples, samples_per_task_), [&](std::size_t task) {
      const std::size_t begin = task * samples_per_task_;
      body(begin, std::min(begin + samples_per_task_, pass.samples));
    });
  }

  // to(n, pair) += from(n, pair) · B's rows [k_begin, k_begin + k) for all pairs of the samples.
  template <class From, class To>
  void add_products(const Pass& pass, std::size_t tap, std::size_t begin, std::size_t end,
                    const From& from, const To& to, const RightMatrix& b, std::size_t k_begin,
                    std::size_t k) const {
    std::array<const float*, gathered> left;
    std::array<float*, gathered> out;
    std::size_t count = 0;
    const auto flush = [&] {
      add_rows_product(pass.compute.kernels, {left.data(), count}, {out.data(), count}, b, k_begin,
                       k);
      count = 0;
    };
    for (std::size_t n = begin; n < end; ++n) {
      for (const PixelPair pair : taps_[tap]) {
        left[count] = from(n, pair);
        out[count] = to(n, pair);
        if (++count == gathered) flush();
      }
    }
    if (count > 0) flush();
  }

  // d_W[tap] [C, F] = the sum over pairs of x[in]ᵀ d_y[out].
  void backward_kernel(const Pass& pass, SampleRows x) const {
    const std::size_t panel = pass.compute.kernels.panel;
    const std::size_t panels = ceil_div(filters(), panel);
    const std::size_t groups = ceil_div(inputs(), task_channels);
    const std::size_t samples_at_once = std::max(gathered_outer / pixels(), std::size_t{1});
    float* d_kernel = pass.gradients + plan().kernel_offset;
    pass.compute.pool.run(groups * panels, [&](std::size_t task) {
      const std::size_t channel = task / panels * task_channels;
      const std::size_t column = task % panels * panel;
      const std::size_t rows = std::min(task_channels, inputs() - channel);
      const std::size_t columns = std::min(panel, filters() - column);
      const auto block_of = [&](std::size_t tap) {
        return d_kernel + (tap * inputs() + channel) * filters() + column;
      };
      for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
        for (std::size_t r = 0; r < rows; ++r) {
          std::fill_n(block_of(tap) + r * filters(), columns, 0.0f);
        }
      }
      for (std::size_t n = 0; n < pass.samples; n += samples_at_once) {
        const std::size_t end = std::min(n + samples_at_once, pass.samples);
        for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
          add_outer(pass, x, tap, n, end, channel, column,
                    {nullptr, nullptr, 0, block_of(tap), filters(), rows, columns});
        }
      }
    });
  }

  // Adds the pairs of some samples to one block of d_W[tap].
  void add_outer(const Pass& pass, SampleRows x, std::size_t tap, std::size_t begin,
                 std::size_t end, std::size_t channel, std::size_t column, OuterBlock block) const {
    std::array<const float*, gathered_outer> left;
    std::array<const float*, gathered_outer> right;
    std::size_t count = 0;
    const auto flush = [&] {
      block.a = left.data();
      block.b = right.data();
      block.k = count;
      pass.compute.kernels.outer(block);
      count = 0;
    };
    for (std::size_t n = begin; n < end; ++n) {
      for (const PixelPair pair : taps_[tap]) {
        left[count] = x[n] + pair.in * inputs() + channel;
        right[count] = padded_.row(n * pixels() + pair.out) + column;
        if (++count == gathered_outer) flush();
      }
    }
    if (count > 0) flush();
  }

  // d_x[in] = the sum over taps of d_y[out] W[tap]ᵀ.
  void backward_input(const Pass& pass, const float* d_y, float* d_x) {
    const float* kernel = pass.parameters + plan().kernel_offset;
    for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
      transposed_[tap].prepare_transposed(pass.compute, kernel + tap * inputs() * filters(),
                                          filters(), inputs());
    }
    for_sample_groups(pass, [&](std::size_t begin, std::size_t end) {
      std::fill(d_x + begin * pixels() * inputs(), d_x + end * pixels() * inputs(), 0.0f);
      const auto from = [&](std::size_t n, PixelPair pair) {
        return d_y + (n * pixels() + pair.out) * filters();
      };
      const auto to = [&](std::size_t n, PixelPair pair) {
        return d_x + (n * pixels() + pair.in) * inputs();
      };
      for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
        add_products(pass, tap, begin, end, from, to, transposed_[tap], 0, filters());
      }
    });
  }

  std::vector<std::vector<PixelPair>> taps_;
  std::size_t samples_per_task_ = 1;
  RightMatrix right_;
  std::vector<RightMatrix> transposed_;
  PaddedRows padded_;
};

}  // namespace

std::unique_ptr<Layer> make_conv2d(const PlannedLayer& plan) {
  return std::make_unique<Conv2d>(plan);
}

}  // namespace headstart::cpu
