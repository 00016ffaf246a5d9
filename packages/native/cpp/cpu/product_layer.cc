#include <array>
#include <vector>

#include "cpu/layer.h"
#include "cpu/left_rows.h"
#include "cpu/right_matrix.h"
#include "cpu/sparse_kernel_gradient.h"

namespace headstart::cpu {
namespace {

// A pixel of the result and the pixel that one tap of the kernel puts under it.
struct PixelPair {
  std::uint32_t to;
  std::uint32_t from;
};

using Taps = std::vector<std::vector<PixelPair>>;

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

Taps taps_of(const PlannedLayer& layer) {
  if (layer.spec.kind == LayerKind::dense) return {{{0, 0}}};
  const auto reach = static_cast<std::ptrdiff_t>(layer.spec.kernel_size / 2);
  Taps taps;
  for (std::ptrdiff_t dy = -reach; dy <= reach; ++dy) {
    for (std::ptrdiff_t dx = -reach; dx <= reach; ++dx) {
      taps.push_back(pairs_of_tap(layer.input, dy, dx));
    }
  }
  return taps;
}

Taps reversed(Taps taps) {
  for (auto& tap : taps) {
    for (PixelPair& pair : tap) std::swap(pair.to, pair.from);
  }
  return taps;
}

// Same padding, stride 1; W: [taps, C, F], b: [F]. One product a tap over the pixels that the tap
// reaches: y[to] += x[from] W[tap]. A dense layer is one pixel and one tap.
class ProductLayer final : public Layer {
 public:
  ProductLayer(const PlannedLayer& layer, Precision precision)
      : Layer(layer),
        precision_(precision),
        pixels_(layer.spec.kind == LayerKind::dense ? 1 : layer.input.pixels()),
        taps_(taps_of(layer)),
        reversed_(reversed(taps_)) {
    if (SparseKernelGradient::suits(layer)) sparse_gradient_.emplace(layer);
  }

  void forward(const Pass& pass, const Input& x, float* y) override {
    left_.prepare(pass.compute, x, pixels_, inputs());
    right_.prepare(pass.compute, pass.parameters + plan().kernel_offset, taps_.size(), inputs(),
                   filters());
    add_products(pass, taps_, left_, right_, pass.parameters + plan().bias_offset, y, filters());
    if (plan().spec.relu) relu_forward(pass, plan(), y);
  }

  // d_b = the sum of d_y; d_W[tap] = the sum over pairs of x[from]ᵀ d_y[to]; d_x[from] = the sum
  // over taps of d_y[to] W[tap]ᵀ.
  void backward(const Pass& pass, const Input& x, const float* y, float* d_y, float* d_x) override {
    if (plan().spec.relu) relu_backward(pass, plan(), y, d_y);
    sum_rows(d_y, pass.samples * pixels_, filters(), pass.gradients + plan().bias_offset);
    if (pass.update && !d_x && updates_kernel()) {
      d_rows_.prepare(pass.compute, d_y, pass.samples, pixels_, filters());
      update_kernel(pass);
    } else if (sparse_gradient_) {
      sparse_gradient_->run(pass.compute, x, d_y, pass.gradients + plan().kernel_offset);
    } else {
      d_rows_.prepare(pass.compute, d_y, pass.samples, pixels_, filters());
      backward_kernel(pass);
    }
    if (!d_x) return;
    d_left_.prepare(pass.compute, d_y, pass.samples, pixels_, filters());
    right_.prepare_transposed(pass.compute, pass.parameters + plan().kernel_offset, taps_.size(),
                              filters(), inputs());
    add_products(pass, reversed_, d_left_, right_, nullptr, d_x, inputs());
  }

  bool updates_kernel() const override { return plan().spec.kind == LayerKind::dense; }

  bool takes_bfloat16() const override { return precision_ == Precision::bf16; }

  std::size_t scratch_bytes() const override {
    return left_.bytes() + right_.bytes() + d_rows_.bytes() + d_left_.bytes() + channels_.bytes() +
           block_.bytes() + (sparse_gradient_ ? sparse_gradient_->bytes() : 0);
  }

 private:
  // How much of k one call of a kernel takes: the panel's part stays in the second-level cache.
  static constexpr std::size_t block_words = 512;
  // Pointers gathered for one call of a kernel.
  static constexpr std::size_t gathered = 256;
  // Input channels whose kernel gradient one task computes, and pixels that it takes at once.
  static constexpr std::size_t task_channels = 48;
  static constexpr std::size_t task_pixels = 512;
  // Floats of a gradient that update_kernel has at a time: they stay in the first-level cache.
  static constexpr std::size_t block_floats = 4096;

  std::size_t inputs() const {
    return plan().spec.kind == LayerKind::dense ? plan().input.size() : plan().input.channels;
  }
  std::size_t filters() const { return plan().output.channels; }

  // out [N, pixels, n] = the sum over taps of left[from] · right[tap], plus bias [n] where given.
  void add_products(const Pass& pass, const Taps& taps, const LeftRows& left,
                    const RightMatrix& right, const float* bias, float* out, std::size_t n) const {
    const std::size_t rows = rows_of_task(pass.compute, pass.samples * pixels_ * right.panels());
    const std::size_t samples = std::max(rows / pixels_, std::size_t{1});
    const std::size_t groups = ceil_div(pass.samples, samples);
    pass.compute.pool.run(groups * right.panels(), [&](std::size_t task) {
      const std::size_t p = task % right.panels();
      const std::size_t begin = task / right.panels() * samples;
      const std::size_t end = std::min(begin + samples, pass.samples);
      float* to = out + p * right.width();
      for (std::size_t row = begin * pixels_; row < end * pixels_; ++row) {
        if (bias) {
          std::copy_n(bias + p * right.width(), right.columns(p), to + row * n);
        } else {
          std::fill_n(to + row * n, right.columns(p), 0.0f);
        }
      }
      for (std::size_t tap = 0; tap < taps.size(); ++tap) {
        add_tap(pass, taps[tap], left, right, tap, p, begin, end, to, n);
      }
    });
  }

  // One tap's products of samples [begin, end) in one panel.
  void add_tap(const Pass& pass, const std::vector<PixelPair>& pairs, const LeftRows& left,
               const RightMatrix& right, std::size_t tap, std::size_t p, std::size_t begin,
               std::size_t end, float* to, std::size_t n) const {
    std::array<const Word*, gathered> from;
    std::array<float*, gathered> out;
    std::size_t count = 0;
    const auto flush = [&] {
      for (std::size_t done = 0; done < right.words(); done += block_words) {
        const std::size_t k = std::min(block_words, right.words() - done);
        pass.compute.products.rows({from.data(), out.data(), count, right.at(p, tap, done),
                                    right.ldb(), k, right.columns(p)});
        for (std::size_t i = 0; i < count; ++i) from[i] += k;
      }
      count = 0;
    };
    for (std::size_t s = begin; s < end; ++s) {
      for (const PixelPair pair : pairs) {
        from[count] = left.at(s, pair.from);
        out[count] = to + (s * pixels_ + pair.to) * n;
        if (++count == gathered) flush();
      }
    }
    if (count > 0) flush();
  }

  // For each tap, where its pairs are in samples one after the other.
  struct Offsets {
    std::vector<std::uint32_t> x;    // in [samples, pixels, task_channels]
    std::vector<std::uint32_t> d_y;  // in d_rows_
  };

  std::vector<Offsets> offsets_of(std::size_t samples) const {
    std::vector<Offsets> offsets(taps_.size());
    for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
      for (std::size_t s = 0; s < samples; ++s) {
        for (const PixelPair pair : taps_[tap]) {
          offsets[tap].x.push_back(
              static_cast<std::uint32_t>((s * pixels_ + pair.from) * task_channels));
          offsets[tap].d_y.push_back(
              static_cast<std::uint32_t>(d_rows_.at(s, pair.to) - d_rows_.at(0, 0)));
        }
      }
    }
    return offsets;
  }

  // Rows of the samples' gradient, in bfloat16 pairs of samples, and how many are taken at once.
  struct Units {
    std::size_t count;
    std::size_t at_once;
  };

  Units prepare_units(const Pass& pass) {
    const std::size_t count =
        precision_ == Precision::bf16 ? ceil_div(pass.samples, 2) : pass.samples;
    const std::size_t at_once = std::clamp(task_pixels / pixels_, std::size_t{1}, count);
    channels_.require(pass.compute.pool.threads(), at_once * pixels_ * task_channels);
    if (offsets_samples_ != at_once) {
      offsets_samples_ = at_once;
      offsets_ = offsets_of(at_once);
    }
    return {count, at_once};
  }

  // A dense layer's gradient in blocks of a few channels, of which each is used up at once. A task
  // is such a block: consecutive rows of the kernel.
  void update_kernel(const Pass& pass) {
    const auto [units, at_once] = prepare_units(pass);
    const std::size_t panel = pass.compute.kernels.panel;
    const std::size_t channels =
        std::clamp(block_floats / filters() / 8 * 8, std::size_t{8}, task_channels);
    block_.require(pass.compute.pool.threads(), channels * filters());
    pass.compute.pool.run(ceil_div(inputs(), channels), [&](std::size_t task, unsigned worker) {
      const std::size_t channel = task * channels;
      OuterBlock block{};
      block.a = channels_.of(worker);
      block.a_offsets = offsets_[0].x.data();
      block.b_offsets = offsets_[0].d_y.data();
      block.ldc = filters();
      block.rows = std::min(channels, inputs() - channel);
      float* gradients = block_.of(worker);
      std::fill_n(gradients, block.rows * filters(), 0.0f);
      for (std::size_t begin = 0; begin < units; begin += at_once) {
        block.k = std::min(at_once, units - begin);
        gather(pass, begin, block.k, channel, block.rows, channels_.of(worker));
        for (std::size_t column = 0; column < filters(); column += panel) {
          block.b = d_rows_.at(begin, 0) + column;
          block.c = gradients + column;
          block.columns = std::min(panel, filters() - column);
          pass.compute.products.outer(block);
        }
      }
      pass.update->apply(pass.compute.kernels, plan().kernel_offset + channel * filters(),
                         block.rows * filters(), gradients);
    });
  }

  // A task is some channels by one panel of filters.
  void backward_kernel(const Pass& pass) {
    const auto [units, at_once] = prepare_units(pass);
    const std::size_t panel = pass.compute.kernels.panel;
    const std::size_t panels = ceil_div(filters(), panel);
    const std::size_t groups = ceil_div(inputs(), task_channels);
    float* d_kernel = pass.gradients + plan().kernel_offset;
    pass.compute.pool.run(groups * panels, [&](std::size_t task, unsigned worker) {
      const std::size_t channel = task / panels * task_channels;
      const std::size_t column = task % panels * panel;
      OuterBlock block{};
      block.a = channels_.of(worker);
      block.ldc = filters();
      block.rows = std::min(task_channels, inputs() - channel);
      block.columns = std::min(panel, filters() - column);
      const auto block_of = [&](std::size_t tap) {
        return d_kernel + (tap * inputs() + channel) * filters() + column;
      };
      for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
        for (std::size_t r = 0; r < block.rows; ++r) {
          std::fill_n(block_of(tap) + r * filters(), block.columns, 0.0f);
        }
      }
      for (std::size_t begin = 0; begin < units; begin += at_once) {
        const std::size_t count = std::min(at_once, units - begin);
        gather(pass, begin, count, channel, block.rows, channels_.of(worker));
        block.b = d_rows_.at(begin, 0) + column;
        for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
          block.a_offsets = offsets_[tap].x.data();
          block.b_offsets = offsets_[tap].d_y.data();
          block.k = count * taps_[tap].size();
          block.c = block_of(tap);
          pass.compute.products.outer(block);
        }
      }
    });
  }

  // to: [count, pixels, task_channels] words: some channels of samples, or of two samples side by
  // side, close together.
  void gather(const Pass& pass, std::size_t begin, std::size_t count, std::size_t channel,
              std::size_t rows, Word* to) const {
    const auto halves = [&](std::size_t n, std::size_t pixel) {
      return reinterpret_cast<const std::uint16_t*>(left_.at(n, pixel)) + channel;
    };
    for (std::size_t s = begin; s < begin + count; ++s) {
      const bool has_upper = 2 * s + 1 < pass.samples;
      for (std::size_t p = 0; p < pixels_; ++p, to += task_channels) {
        if (precision_ == Precision::fp32) {
          std::copy_n(left_.at(s, p) + channel, rows, to);
        } else {
          pass.compute.kernels.pair_bfloat16(
              halves(2 * s, p), has_upper ? halves(2 * s + 1, p) : nullptr, to, rows);
        }
      }
    }
  }

  Precision precision_;
  std::size_t pixels_;
  Taps taps_;
  Taps reversed_;
  LeftRows left_;    // of x
  LeftRows d_left_;  // of d_y
  GradientRows d_rows_;
  RightMatrix right_;
  std::optional<SparseKernelGradient> sparse_gradient_;
  Scratch<Word> channels_;
  Scratch<float> block_;
  std::vector<Offsets> offsets_;
  std::size_t offsets_samples_ = 0;
};

}  // namespace

std::unique_ptr<Layer> make_product_layer(const PlannedLayer& plan, Precision precision) {
  return std::make_unique<ProductLayer>(plan, precision);
}

}  // namespace headstart::cpu
