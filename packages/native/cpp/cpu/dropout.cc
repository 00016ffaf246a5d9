#include <algorithm>
#include <cmath>

#include "cpu/layer.h"
#include "head/philox.h"

namespace headstart::cpu {
namespace {

// The same numbers under another shape.
class Flatten final : public Layer {
 public:
  using Layer::Layer;

  void forward(const Pass& pass, SampleRows x, float* y) override {
    const std::size_t size = plan().input.size();
    for (std::size_t n = 0; n < pass.samples; ++n) std::copy_n(x[n], size, y + n * size);
  }

  void backward(const Pass& pass, SampleRows, const float*, float* d_y, float* d_x) override {
    if (d_x) std::copy_n(d_y, pass.samples * plan().input.size(), d_x);
  }
};

// Inverted dropout: what is kept is scaled by 1 / (1 - rate). The mask is drawn again in the
// backward pass, since a stream's words cost less than their memory.
class Dropout final : public Layer {
 public:
  explicit Dropout(const PlannedLayer& layer)
      : Layer(layer),
        threshold_(static_cast<std::uint32_t>(
            std::min(std::ceil(layer.spec.rate * 0x1p32), 0x1p32 - 1.0))),
        scale_(static_cast<float>(1.0 / (1.0 - layer.spec.rate))) {}

  void forward(const Pass& pass, SampleRows x, float* y) override {
    const std::size_t size = plan().input.size();
    pass.compute.pool.run(pass.samples,
                          [&](std::size_t n) { std::copy_n(x[n], size, y + n * size); });
    apply(pass, y);
  }

  void backward(const Pass& pass, SampleRows, const float*, float* d_y, float* d_x) override {
    if (!d_x) return;
    std::copy_n(d_y, pass.samples * plan().input.size(), d_x);
    apply(pass, d_x);
  }

 private:
  static constexpr std::size_t task_blocks = 1024;

  // values: [N, input], in place. Element e is ruled by word e of the layer's stream.
  void apply(const Pass& pass, float* values) const {
    if (!pass.dropout || threshold_ == 0) return;
    const RandomStream stream(pass.dropout->seed, RandomDomain::dropout,
                              static_cast<std::uint32_t>(plan().index), pass.dropout->step);
    const std::size_t count = pass.samples * plan().input.size();
    const std::size_t blocks = ceil_div(count, 4);
    pass.compute.pool.run(ceil_div(blocks, task_blocks), [&](std::size_t task) {
      const std::size_t end = std::min(blocks, (task + 1) * task_blocks);
      for (std::size_t b = task * task_blocks; b < end; ++b) {
        const PhiloxBlock words = stream.block(static_cast<std::uint32_t>(b));
        const std::size_t last = std::min(count - 4 * b, std::size_t{4});
        for (std::size_t i = 0; i < last; ++i) {
          float& value = values[4 * b + i];
          value = words[i] < threshold_ ? 0.0f : value * scale_;
        }
      }
    });
  }

  std::uint32_t threshold_;
  float scale_;
};

}  // namespace

std::unique_ptr<Layer> make_flatten(const PlannedLayer& plan) {
  return std::make_unique<Flatten>(plan);
}

std::unique_ptr<Layer> make_dropout(const PlannedLayer& plan) {
  return std::make_unique<Dropout>(plan);
}

}  // namespace headstart::cpu
