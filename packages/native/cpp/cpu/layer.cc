#include "cpu/layer.h"

#include "head/error.h"

namespace headstart::cpu {

void relu_forward(float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = y[i] < 0.0f ? 0.0f : y[i];
}

void relu_backward(const float* y, float* d_y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) d_y[i] = y[i] == 0.0f ? 0.0f : d_y[i];
}

std::unique_ptr<Layer> make_layer(const PlannedLayer& plan) {
  switch (plan.spec.kind) {
    case LayerKind::conv2d:
      return make_conv2d(plan);
    case LayerKind::max_pool2d:
      return make_max_pool2d(plan);
    case LayerKind::global_average_pool2d:
      return make_global_average_pool2d(plan);
    case LayerKind::flatten:
      return make_flatten(plan);
    case LayerKind::dropout:
      return make_dropout(plan);
    case LayerKind::dense:
      return make_dense(plan);
  }
  throw invalid_argument("Unknown kind of layer.");
}

}  // namespace headstart::cpu
