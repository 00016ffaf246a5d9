#include <algorithm>
#include <bit>
#include <cmath>

#include "cpu/layer.h"
#include "head/philox.h"

namespace headstart::cpu {
namespace {

// Inverted dropout: what is kept is scaled by 1 / (1 - rate).
class Dropout final : public Layer {
 public:
  using Layer::Layer;

  void forward(const Pass& pass, const Input& x, float* y) override {
    const std::size_t size = plan().input.size();
    const double rate = pass.dropout ? pass.dropout->rate.value_or(plan().spec.rate) : 0.0;
    acts_ = rate > 0;
    scale_ = static_cast<float>(1.0 / (1.0 - rate));
    if (acts_) draw(pass, rate);
    pass.compute.pool.run(pass.samples, [&](std::size_t n) {
      if (acts_) {
        apply(n, x.rows[n], y + n * size);
      } else {
        std::copy_n(x.rows[n], size, y + n * size);
      }
    });
  }

  void backward(const Pass& pass, const Input&, const float*, float* d_y, float* d_x) override {
    if (!d_x) return;
    const std::size_t size = plan().input.size();
    pass.compute.pool.run(pass.samples, [&](std::size_t n) {
      if (acts_) {
        apply(n, d_y + n * size, d_x + n * size);
      } else {
        std::copy_n(d_y + n * size, size, d_x + n * size);
      }
    });
  }

  std::size_t scratch_bytes() const override { return kept_.bytes(); }

 private:
  static constexpr std::size_t task_blocks = 1024;

  // kept_ [N, input]: element e is ruled by word e of the layer's stream; all of its bits are set
  // where it is kept.
  void draw(const Pass& pass, double rate) {
    const auto threshold =
        static_cast<std::uint32_t>(std::min(std::ceil(rate * 0x1p32), 0x1p32 - 1.0));
    const RandomStream stream(pass.dropout->seed, RandomDomain::dropout,
                              static_cast<std::uint32_t>(plan().index), pass.dropout->step);
    const std::size_t count = pass.samples * plan().input.size();
    const std::size_t blocks = ceil_div(count, 4);
    std::uint32_t* kept = kept_.require(4 * blocks);
    pass.compute.pool.run(ceil_div(blocks, task_blocks), [&](std::size_t task) {
      const std::size_t end = std::min(blocks, (task + 1) * task_blocks);
      for (std::size_t b = task * task_blocks; b < end; ++b) {
        const PhiloxBlock words = stream.block(static_cast<std::uint32_t>(b));
        for (std::size_t i = 0; i < 4; ++i) kept[4 * b + i] = words[i] >= threshold ? ~0u : 0u;
      }
    });
  }

  void apply(std::size_t n, const float* from, float* to) const {
    const std::size_t size = plan().input.size();
    const std::uint32_t* kept = kept_.data() + n * size;
    const float scale = scale_;
    for (std::size_t i = 0; i < size; ++i) {
      to[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(from[i] * scale) & kept[i]);
    }
  }

  bool acts_ = false;
  float scale_ = 1;
  Buffer<std::uint32_t> kept_;
};

}  // namespace

std::unique_ptr<Layer> make_dropout(const PlannedLayer& plan) {
  return std::make_unique<Dropout>(plan);
}

}  // namespace headstart::cpu
