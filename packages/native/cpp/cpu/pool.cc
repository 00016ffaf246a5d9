#include <algorithm>

#include "cpu/layer.h"

namespace headstart::cpu {
namespace {

// The part of the input that one output of a 2x2 pool with stride 2 sees: at an odd edge, less.
struct Window {
  std::size_t y, x, y_end, x_end;
};

Window window_at(const Shape& input, std::size_t y, std::size_t x) {
  return {2 * y, 2 * x, std::min(2 * y + 2, input.height), std::min(2 * x + 2, input.width)};
}

class MaxPool2d final : public Layer {
 public:
  using Layer::Layer;

  void forward(const Pass& pass, const Input& x, float* y) override {
    pass.compute.pool.run(pass.samples, [&](std::size_t n) {
      const Shape& out = plan().output;
      for (std::size_t i = 0; i < out.height; ++i) {
        for (std::size_t j = 0; j < out.width; ++j) {
          float* to = y + ((n * out.height + i) * out.width + j) * out.channels;
          pool(x.rows[n], window_at(plan().input, i, j), to);
        }
      }
    });
  }

  // The gradient goes to the first of the largest, in row-major order, as in TensorFlow. Windows
  // do not overlap, so every pixel is written once.
  void backward(const Pass& pass, const Input& x, const float* y, float* d_y, float* d_x) override {
    if (!d_x) return;
    pass.compute.pool.run(pass.samples, [&](std::size_t n) {
      const Shape& in = plan().input;
      const Shape& out = plan().output;
      for (std::size_t i = 0; i < out.height; ++i) {
        for (std::size_t j = 0; j < out.width; ++j) {
          const std::size_t at = ((n * out.height + i) * out.width + j) * out.channels;
          spread(x.rows[n], window_at(in, i, j), y + at, d_y + at, d_x + n * in.size());
        }
      }
    });
  }

 private:
  void pool(const float* x, const Window& window, float* to) const {
    const Shape& in = plan().input;
    std::copy_n(x + (window.y * in.width + window.x) * in.channels, in.channels, to);
    for (std::size_t i = window.y; i < window.y_end; ++i) {
      for (std::size_t j = window.x; j < window.x_end; ++j) {
        const float* from = x + (i * in.width + j) * in.channels;
        // A not-a-number is taken and kept: it must not vanish in a pool.
        for (std::size_t c = 0; c < in.channels; ++c) {
          const bool taken = from[c] > to[c] || from[c] != from[c];
          to[c] = taken ? from[c] : to[c];
        }
      }
    }
  }

  // Takes from d_y what it gives, so that no second pixel gets it.
  void spread(const float* x, const Window& window, const float* y, float* d_y, float* d_x) const {
    const Shape& in = plan().input;
    for (std::size_t i = window.y; i < window.y_end; ++i) {
      for (std::size_t j = window.x; j < window.x_end; ++j) {
        const std::size_t at = (i * in.width + j) * in.channels;
        for (std::size_t c = 0; c < in.channels; ++c) {
          const bool largest = x[at + c] == y[c];
          d_x[at + c] = largest ? d_y[c] : 0.0f;
          d_y[c] = largest ? 0.0f : d_y[c];
        }
      }
    }
  }
};

class GlobalAveragePool2d final : public Layer {
 public:
  using Layer::Layer;

  void forward(const Pass& pass, const Input& x, float* y) override {
    const Shape& in = plan().input;
    pass.compute.pool.run(pass.samples, [&](std::size_t n) {
      float* to = y + n * in.channels;
      sum_rows(x.rows[n], in.pixels(), in.channels, to);
      for (std::size_t c = 0; c < in.channels; ++c) to[c] /= static_cast<float>(in.pixels());
    });
  }

  void backward(const Pass& pass, const Input&, const float*, float* d_y, float* d_x) override {
    if (!d_x) return;
    const Shape& in = plan().input;
    pass.compute.pool.run(pass.samples, [&](std::size_t n) {
      const float* from = d_y + n * in.channels;
      for (std::size_t p = 0; p < in.pixels(); ++p) {
        float* to = d_x + (n * in.pixels() + p) * in.channels;
        for (std::size_t c = 0; c < in.channels; ++c) {
          to[c] = from[c] / static_cast<float>(in.pixels());
        }
      }
    });
  }
};

}  // namespace

std::unique_ptr<Layer> make_max_pool2d(const PlannedLayer& plan) {
  return std::make_unique<MaxPool2d>(plan);
}

std::unique_ptr<Layer> make_global_average_pool2d(const PlannedLayer& plan) {
  return std::make_unique<GlobalAveragePool2d>(plan);
}

}  // namespace headstart::cpu
