#include <vector>

#include "cpu/layer.h"

namespace headstart::cpu {
namespace {

// y = x W + b, then ReLU where asked for. W: [inputs, units], b: [units].
class Dense final : public Layer {
 public:
  using Layer::Layer;

  void forward(const Pass& pass, SampleRows x, float* y) override {
    const float* kernel = pass.parameters + plan().kernel_offset;
    right_.prepare(pass.compute, kernel, inputs(), units());
    multiply(pass.compute, x, right_, pass.parameters + plan().bias_offset, y);
    if (plan().spec.relu) relu_forward(y, pass.samples * units());
  }

  // d_W = xᵀ d_y, d_b = the column sums of d_y, d_x = d_y Wᵀ.
  void backward(const Pass& pass, SampleRows x, const float* y, float* d_y, float* d_x) override {
    if (plan().spec.relu) relu_backward(y, d_y, pass.samples * units());
    padded_.prepare(pass.compute, d_y, pass.samples, units());
    multiply_transposed(pass.compute, x, inputs(), padded_, units(),
                        pass.gradients + plan().kernel_offset);
    sum_rows(d_y, pass.samples, units(), pass.gradients + plan().bias_offset);
    if (!d_x) return;
    d_y_rows_.resize(pass.samples);
    for (std::size_t i = 0; i < pass.samples; ++i) d_y_rows_[i] = d_y + i * units();
    right_.prepare_transposed(pass.compute, pass.parameters + plan().kernel_offset, units(),
                              inputs());
    multiply(pass.compute, d_y_rows_, right_, nullptr, d_x);
  }

  std::size_t scratch_bytes() const override { return right_.bytes() + padded_.bytes(); }

 private:
  std::size_t inputs() const { return plan().input.size(); }
  std::size_t units() const { return plan().output.size(); }

  RightMatrix right_;
  PaddedRows padded_;
  std::vector<const float*> d_y_rows_;
};

}  // namespace

std::unique_ptr<Layer> make_dense(const PlannedLayer& plan) {
  return std::make_unique<Dense>(plan);
}

}  // namespace headstart::cpu
