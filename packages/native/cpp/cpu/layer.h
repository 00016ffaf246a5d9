#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "cpu/gemm.h"
#include "head/backend.h"
#include "head/spec.h"

namespace headstart::cpu {

// What a pass over a batch has in common for all layers. N is the number of samples.
struct Pass {
  const Compute& compute;
  std::size_t samples;                 // N
  const float* parameters;             // one head's, [plan.parameter_floats]
  float* gradients;                    // the same layout; null in a forward pass
  std::optional<DropoutDraw> dropout;  // absent: dropout layers pass on what they get
};

// The input of a layer: one pointer a sample to [h, w, c], since the first layer's samples lie
// where the feature store has them.
using SampleRows = std::span<const float* const>;

// One layer's arithmetic and the scratch memory it needs. x: N samples of the input shape;
// y: [N, output]; d_ before a name: the gradient of the loss by it.
class Layer {
 public:
  explicit Layer(const PlannedLayer& plan) : plan_(plan) {}
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  const PlannedLayer& plan() const noexcept { return plan_; }

  virtual void forward(const Pass& pass, SampleRows x, float* y) = 0;

  // Writes the gradients of its parameters, and d_x [N, input] unless it is null. x and y are those
  // of the forward pass just done; d_y [N, output] may be overwritten.
  virtual void backward(const Pass& pass, SampleRows x, const float* y, float* d_y, float* d_x) = 0;

  virtual std::size_t scratch_bytes() const { return 0; }

 private:
  PlannedLayer plan_;
};

// In place: y = max(y, 0). A not-a-number stays one.
void relu_forward(float* y, std::size_t count);
// In place: d_y = 0 where y is 0.
void relu_backward(const float* y, float* d_y, std::size_t count);

std::unique_ptr<Layer> make_layer(const PlannedLayer& plan);
std::unique_ptr<Layer> make_conv2d(const PlannedLayer& plan);
std::unique_ptr<Layer> make_dense(const PlannedLayer& plan);
std::unique_ptr<Layer> make_max_pool2d(const PlannedLayer& plan);
std::unique_ptr<Layer> make_global_average_pool2d(const PlannedLayer& plan);
std::unique_ptr<Layer> make_flatten(const PlannedLayer& plan);
std::unique_ptr<Layer> make_dropout(const PlannedLayer& plan);

}  // namespace headstart::cpu
