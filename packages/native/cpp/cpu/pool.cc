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

  void forward(const Pass& pass, SampleRows x, float* y) override {
    pass.compute.pool.run(pass.samples, [&](std::size_t n) {
      const Shape& out = plan().output;
      for (std::size_t i = 0; i < out.height; ++i) {
        for (std::size_t j = 0; j < out.width; ++j) {
          float* to = y + ((n * out.height + i) * out.width + j) * out.channels;
          pool(x[n], window_at(plan().input, i, j), to);
        }
      }
    });
  }

  // The gradient goes to the first of the largest, in row-major order, as in TensorFlow.
  void backward(const Pass& pass, SampleRows x, const float* y, float* d_y, float* d_x) override {
    if (!d_x) return;
    pass.compute.pool.run(pass.samples, [&](std::size_t n) {
      const Shape& in = plan().input;
      const Shape& out = plan().output;
      float* to = d_x + n * in.size();
      std::fill_n(to, in.size(), 0.0f);
      for (std::size_t i = 0; i < out.height; ++i) {
        for (std::size_t j = 0; j < out.width; ++j) {
          const std::size_t at = ((n * out.height + i) * out.width + j) * out.channels;
          spread(x[n], window_at(in, i, j), y + at, d_y + at, to);
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
        for (std::size_t c = 0; c < in.channels; ++c) to[c] = from[c] <= to[c] ? to[c] : from[c];
      }
    }
  }

  void spread(const float* x, const Window& window, const float* y, const float* d_y,
              float* d_x) const {
    const Shape& in = plan().input;
    for (std::size_t c = 0; c < in.channels; ++c) {
      std::size_t chosen = (window.y * in.width + window.x) * in.channels + c;
      bool found = false;
      for (std::size_t i = window.y; i < window.y_end && !found; ++i) {
        for (std::size_t j = window.x; j < window.x_end && !found; ++j) {
          const std::size_t at = (i * in.width + j) * in.channels + c;
          if (x[at] == y[c]) {
            chosen = at;
            found = true;
          }
        }
      }
      d_x[chosen] += d_y[c];
    }
  }
};

class GlobalAveragePool2d final : public Layer {
 public:
  using Layer::Layer;

  void forward(const Pass& pass, SampleRows x, float* y) override {
    const Shape& in = plan().input;
    pass.compute.pool.run(pass.samples, [&](std::size_t n) {
      float* to = y + n * in.channels;
      sum_rows(x[n], in.pixels(), in.channels, to);
      for (std::size_t c = 0; c < in.channels; ++c) to[c] /= static_cast<float>(in.pixels());
    });
  }

  void backward(const Pass& pass, SampleRows, const float*, float* d_y, float* d_x) override {
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
