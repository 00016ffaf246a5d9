#include "cpu/layer.h"

#include "head/error.h"

namespace headstart::cpu {
namespace {

// Where more multiplications are left, or fewer weights a tap share the transforms, these cost more
// than they save.
constexpr double worthwhile_share = 0.8;
constexpr std::size_t worthwhile_weights = 8192;

bool suits_winograd(const PlannedLayer& plan, Precision precision) {
  return precision == Precision::fp32 && plan.spec.kernel_size == 3 &&
         winograd_share(plan.input) < worthwhile_share &&
         plan.input.channels * plan.output.channels >= worthwhile_weights;
}

}  // namespace

void relu_forward(const Pass& pass, const PlannedLayer& layer, float* y) {
  const std::size_t size = layer.output.size();
  pass.compute.pool.run(pass.samples, [&](std::size_t n) {
    float* row = y + n * size;
    for (std::size_t i = 0; i < size; ++i) row[i] = row[i] < 0.0f ? 0.0f : row[i];
  });
}

void relu_backward(const Pass& pass, const PlannedLayer& layer, const float* y, float* d_y) {
  const std::size_t size = layer.output.size();
  pass.compute.pool.run(pass.samples, [&](std::size_t n) {
    const float* row = y + n * size;
    float* d_row = d_y + n * size;
    for (std::size_t i = 0; i < size; ++i) d_row[i] = row[i] == 0.0f ? 0.0f : d_row[i];
  });
}

void sum_rows(const float* rows, std::size_t count, std::size_t n, float* sums) {
  std::fill_n(sums, n, 0.0f);
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = rows + i * n;
    for (std::size_t j = 0; j < n; ++j) sums[j] += row[j];
  }
}

std::unique_ptr<Layer> make_layer(const PlannedLayer& plan, Precision precision) {
  switch (plan.spec.kind) {
    case LayerKind::conv2d:
      return suits_winograd(plan, precision) ? make_winograd_conv2d(plan)
                                             : make_product_layer(plan, precision);
    case LayerKind::max_pool2d:
      return make_max_pool2d(plan);
    case LayerKind::global_average_pool2d:
      return plan.input.pixels() == 1 ? nullptr : make_global_average_pool2d(plan);
    case LayerKind::flatten:
      return nullptr;
    case LayerKind::dropout:
      return make_dropout(plan);
    case LayerKind::dense:
      return make_product_layer(plan, precision);
  }
  throw invalid_argument("Unknown kind of layer.");
}

}  // namespace headstart::cpu
