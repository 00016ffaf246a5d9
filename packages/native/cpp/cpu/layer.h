#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "cpu/buffer.h"
#include "cpu/compute.h"
#include "cpu/head_update.h"
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
  const HeadUpdate* update = nullptr;  // present in a step of training, see updates_kernel
};

// The input of a layer: one pointer a sample to [h, w, c], since the first layer's samples lie
// where the feature store has them. Either rows or, for a layer that takes them, bfloat16_rows.
struct Input {
  std::span<const float* const> rows;
  std::span<const std::uint16_t* const> bfloat16_rows;
};

// One layer's arithmetic and the scratch memory it needs. x: N samples of the input shape;
// y: [N, output]; d_ before a name: the gradient of the loss by it.
class Layer {
 public:
  explicit Layer(const PlannedLayer& plan) : plan_(plan) {}
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  const PlannedLayer& plan() const noexcept { return plan_; }

  virtual void forward(const Pass& pass, const Input& x, float* y) = 0;

  // Writes the gradients of its parameters, and d_x [N, input] unless it is null. x and y are those
  // of the forward pass just done; d_y [N, output] may be overwritten. Where the pass has an update
  // and the layer says updates_kernel, it updates its kernel and writes no gradient of it.
  virtual void backward(const Pass& pass, const Input& x, const float* y, float* d_y,
                        float* d_x) = 0;

  // Whether it makes a step of its kernel while the gradient is still in the cache. Only asked of
  // the first layer with parameters, whose weights nothing needs any more by then.
  virtual bool updates_kernel() const { return false; }

  virtual bool takes_bfloat16() const { return false; }
  virtual std::size_t scratch_bytes() const { return 0; }

 private:
  PlannedLayer plan_;
};

// Null for a layer that does nothing: flatten, as rows are contiguous, and a mean over one pixel.
std::unique_ptr<Layer> make_layer(const PlannedLayer& plan, Precision precision);
// conv2d or dense, as sums of products over the taps of a kernel.
std::unique_ptr<Layer> make_product_layer(const PlannedLayer& plan, Precision precision);
std::unique_ptr<Layer> make_winograd_conv2d(const PlannedLayer& plan);
std::unique_ptr<Layer> make_max_pool2d(const PlannedLayer& plan);
std::unique_ptr<Layer> make_global_average_pool2d(const PlannedLayer& plan);
std::unique_ptr<Layer> make_dropout(const PlannedLayer& plan);

// Multiplications of a 3x3 convolution by winograd_product.h over those of the plain one, which
// leaves out what meets padding.
double winograd_share(const Shape& map);

// In place, N samples of the layer's output: y = max(y, 0). A not-a-number stays one.
void relu_forward(const Pass& pass, const PlannedLayer& layer, float* y);
// In place: d_y = 0 where y is 0.
void relu_backward(const Pass& pass, const PlannedLayer& layer, const float* y, float* d_y);

// sums [n] = the sum of rows [count, n], in order.
void sum_rows(const float* rows, std::size_t count, std::size_t n, float* sums);

}  // namespace headstart::cpu
