#include <array>
#include <vector>

#include "cpu/sparse_kernel_gradient.h"
#include "cpu/winograd_product.h"

namespace headstart::cpu {
namespace {

// Input channels whose kernel gradient one task computes.
constexpr std::size_t task_channels = 16;
// And filters.
constexpr std::size_t task_filters = 64;
// Tiles whose points a task holds at once, at most; at least one sample's.
constexpr std::size_t chunk_tiles = 448;

// A 3x3 convolution by winograd_product.h, which says how. The kernel's gradient is taken at the
// points, too, and the input's is a convolution of d_y with the kernel turned around.
class WinogradConv2d final : public Layer {
 public:
  explicit WinogradConv2d(const PlannedLayer& layer)
      : Layer(layer),
        tiles_(layer.input),
        forward_(layer.input, layer.input.channels, layer.output.channels),
        backward_(layer.input, layer.output.channels, layer.input.channels) {
    if (SparseKernelGradient::suits(layer)) sparse_gradient_.emplace(layer);
  }

  void forward(const Pass& pass, const Input& x, float* y) override {
    forward_.run(pass.compute, pass.parameters + plan().kernel_offset, x.rows,
                 pass.parameters + plan().bias_offset, y);
    if (plan().spec.relu) relu_forward(pass, plan(), y);
  }

  void backward(const Pass& pass, const Input& x, const float* y, float* d_y, float* d_x) override {
    if (plan().spec.relu) relu_backward(pass, plan(), y, d_y);
    sum_rows(d_y, pass.samples * plan().output.pixels(), filters(),
             pass.gradients + plan().bias_offset);
    if (sparse_gradient_) {
      sparse_gradient_->run(pass.compute, x, d_y, pass.gradients + plan().kernel_offset);
    } else {
      map_output_gradient(pass, d_y);
      backward_kernel(pass, x);
    }
    if (!d_x) return;
    d_rows_.resize(pass.samples);
    for (std::size_t n = 0; n < pass.samples; ++n) {
      d_rows_[n] = d_y + n * plan().output.size();
    }
    backward_.run(pass.compute, turned_kernel(pass), d_rows_, nullptr, d_x);
  }

  std::size_t scratch_bytes() const override {
    return forward_.bytes() + backward_.bytes() + d_points_.bytes() + turned_.bytes() +
           scratch_.bytes() + (sparse_gradient_ ? sparse_gradient_->bytes() : 0);
  }

 private:
  static constexpr std::size_t groups = Tiles::kernel_rows * Tiles::points;

  std::size_t inputs() const { return plan().input.channels; }
  std::size_t filters() const { return plan().output.channels; }

  // d_points_ [6, N, H, T, stride_]: d_y at the points, with zeros behind the filters.
  void map_output_gradient(const Pass& pass, const float* d_y) {
    stride_ = round_up(filters(), pass.compute.kernels.panel);
    const std::size_t rows = pass.samples * tiles_.per_sample();
    float* points = d_points_.require(Tiles::points * point_stride(rows, stride_));
    zeros_.assign(std::max(filters(), task_channels), 0.0f);
    pass.compute.pool.run(pass.samples * tiles_.height, [&](std::size_t line) {
      for (std::size_t t = 0; t < tiles_.across; ++t) {
        const float* in[Tiles::pixels];
        float* out[Tiles::points];
        for (std::size_t i = 0; i < Tiles::pixels; ++i) {
          const std::size_t x = Tiles::pixels * t + i;
          in[i] = x < tiles_.width ? d_y + (line * tiles_.width + x) * filters() : zeros_.data();
        }
        for (std::size_t i = 0; i < Tiles::points; ++i) {
          out[i] = points + i * point_stride(rows, stride_) + (line * tiles_.across + t) * stride_;
          std::fill(out[i] + filters(), out[i] + stride_, 0.0f);
        }
        pass.compute.kernels.winograd.output_gradient(in, out, filters());
      }
    });
  }

  // Where the tiles of a chunk are that kernel row dy brings together: those of the input in
  // [samples, H, T, channels], those of d_y in [samples, H, T, stride_].
  struct Offsets {
    std::vector<std::uint32_t> x;
    std::vector<std::uint32_t> d_y;
  };

  Offsets offsets_of(std::size_t dy, std::size_t samples) const {
    Offsets offsets;
    for (std::size_t s = 0; s < samples; ++s) {
      for (std::size_t y = 0; y < tiles_.height; ++y) {
        if (y + dy < 1 || y + dy > tiles_.height) continue;
        for (std::size_t t = 0; t < tiles_.across; ++t) {
          const std::size_t seen = (s * tiles_.height + y + dy - 1) * tiles_.across + t;
          const std::size_t row = (s * tiles_.height + y) * tiles_.across + t;
          offsets.x.push_back(static_cast<std::uint32_t>(seen * task_channels));
          offsets.d_y.push_back(static_cast<std::uint32_t>(row * stride_));
        }
      }
    }
    return offsets;
  }

  // A task is some channels by some filters: d_U [3, 6, channels, filters] is summed over all
  // samples, then mapped to the taps.
  void backward_kernel(const Pass& pass, const Input& x) {
    const std::size_t at_once =
        std::min(std::max(chunk_tiles / tiles_.per_sample(), std::size_t{1}), pass.samples);
    const std::size_t channels = task_channels;
    const std::size_t columns = block_columns();
    const std::size_t sums_floats = groups * channels * columns;
    if (chunk_ != at_once) {
      chunk_ = at_once;
      for (std::size_t dy = 0; dy < Tiles::kernel_rows; ++dy) {
        offsets_[dy] = offsets_of(dy, at_once);
      }
    }
    scratch_.require(pass.compute.pool.threads(),
                     sums_floats + Tiles::points * point_stride(at_once * tiles_.per_sample(),
                                                                channels));
    const std::size_t parts = ceil_div(filters(), columns);
    pass.compute.pool.run(ceil_div(inputs(), channels) * parts, [&](std::size_t task,
                                                                   unsigned worker) {
      const std::size_t channel = task / parts * channels;
      const std::size_t used = std::min(channels, inputs() - channel);
      const std::size_t column = task % parts * columns;
      float* sums = scratch_.of(worker);
      float* points = sums + sums_floats;
      std::fill_n(sums, sums_floats, 0.0f);
      for (std::size_t begin = 0; begin < pass.samples; begin += at_once) {
        const auto part = x.rows.subspan(begin, std::min(at_once, pass.samples - begin));
        map_input(pass.compute.kernels, tiles_, part, inputs(), channel, used, zeros_.data(),
                  points, channels);
        add_outer(pass, begin, part.size(), used, column, points, sums);
      }
      map_kernel_gradient(pass, channel, used, column, sums);
    });
  }

  std::size_t block_columns() const { return std::min(task_filters, stride_); }

  void add_outer(const Pass& pass, std::size_t begin, std::size_t samples, std::size_t channels,
                 std::size_t column, const float* points, float* sums) const {
    const std::size_t panel = pass.compute.kernels.panel;
    const std::size_t columns = block_columns();
    const std::size_t rows = samples * tiles_.per_sample();
    const std::size_t all_rows = pass.samples * tiles_.per_sample();
    const float* d_points = d_points_.data() + begin * tiles_.per_sample() * stride_ + column;
    const std::size_t end = std::min(columns, stride_ - column);
    for (std::size_t point = 0; point < Tiles::points; ++point) {
      for (std::size_t dy = 0; dy < Tiles::kernel_rows; ++dy) {
        const Offsets& offsets = offsets_[dy];
        const std::size_t k = offsets.x.size() / chunk_ * samples;
        float* to = sums + (dy * Tiles::points + point) * task_channels * columns;
        for (std::size_t p = 0; p < end; p += panel) {
          pass.compute.products.outer({points + point * point_stride(rows, task_channels),
                                       offsets.x.data(),
                                       d_points + point * point_stride(all_rows, stride_) + p,
                                       offsets.d_y.data(), k, to + p, columns, channels, panel});
        }
      }
    }
  }

  void map_kernel_gradient(const Pass& pass, std::size_t channel, std::size_t channels,
                           std::size_t column, const float* sums) const {
    const std::size_t columns = block_columns();
    float* d_kernel = pass.gradients + plan().kernel_offset;
    for (std::size_t dy = 0; dy < Tiles::kernel_rows; ++dy) {
      for (std::size_t c = 0; c < channels; ++c) {
        const float* in[Tiles::points];
        float* out[3];
        for (std::size_t i = 0; i < Tiles::points; ++i) {
          in[i] = sums + ((dy * Tiles::points + i) * task_channels + c) * columns;
        }
        for (std::size_t dx = 0; dx < 3; ++dx) {
          out[dx] = d_kernel + ((dy * 3 + dx) * inputs() + channel + c) * filters() + column;
        }
        pass.compute.kernels.winograd.kernel_gradient(in, out,
                                                      std::min(columns, filters() - column));
      }
    }
  }

  // [3, 3, F, C]: both sides of the kernel reversed, channels and filters exchanged.
  const float* turned_kernel(const Pass& pass) {
    const float* kernel = pass.parameters + plan().kernel_offset;
    const std::size_t size = inputs() * filters();
    float* turned = turned_.require(9 * size);
    pass.compute.pool.run(9, [&](std::size_t tap) {
      const float* from = kernel + (8 - tap) * size;
      float* to = turned + tap * size;
      for (std::size_t c = 0; c < inputs(); ++c) {
        for (std::size_t f = 0; f < filters(); ++f) to[f * inputs() + c] = from[c * filters() + f];
      }
    });
    return turned;
  }

  Tiles tiles_;
  WinogradProduct forward_;
  WinogradProduct backward_;
  std::optional<SparseKernelGradient> sparse_gradient_;
  std::size_t stride_ = 0;  // floats of a tile of d_points_
  std::size_t chunk_ = 0;   // samples that offsets_ go through
  std::array<Offsets, Tiles::kernel_rows> offsets_;
  std::vector<float> zeros_;
  std::vector<const float*> d_rows_;
  Buffer<float> d_points_;
  Buffer<float> turned_;
  Scratch<float> scratch_;
};

}  // namespace

std::unique_ptr<Layer> make_winograd_conv2d(const PlannedLayer& plan) {
  return std::make_unique<WinogradConv2d>(plan);
}

}  // namespace headstart::cpu
