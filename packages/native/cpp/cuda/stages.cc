#include "cuda/stages.h"

#include <algorithm>
#include <cmath>

namespace headstart::cuda {
namespace {

Stage::ProductPart product_of(const PlannedLayer& layer) {
  const ProductShape shape{
      static_cast<unsigned>(layer.input.height), static_cast<unsigned>(layer.input.width),
      layer.spec.kind == LayerKind::conv2d ? static_cast<unsigned>(layer.spec.kernel_size) : 1,
      static_cast<unsigned>(layer.input.channels), static_cast<unsigned>(layer.spec.size)};
  return {shape,
          forward_splits(shape),
          input_gradient_splits(shape),
          kernel_gradient_splits(shape),
          layer.kernel_offset,
          layer.bias_offset};
}

Stage begin_stage(const PlannedLayer& layer) {
  Stage stage;
  stage.input = layer.input;
  stage.finished = layer.input;
  stage.output = layer.input;
  return stage;
}

// Whether a layer that is not a product may be part of the stage before it. Dropout takes no notice
// of a flatten layer between them.
bool takes(const Stage& stage, const PlannedLayer& layer) {
  if (stage.average || stage.dropout) return false;
  if (layer.spec.kind == LayerKind::dropout) return true;
  return !stage.max_pool && stage.output.height == layer.input.height &&
         stage.output.width == layer.input.width;
}

}  // namespace

DropoutNumbers dropout_numbers(double rate) {
  return {static_cast<std::uint32_t>(std::min(std::ceil(rate * 0x1p32), 0x1p32 - 1.0)),
          static_cast<float>(1.0 / (1.0 - rate))};
}

std::vector<Stage> make_stages(const Plan& plan) {
  std::vector<Stage> stages;
  for (const PlannedLayer& layer : plan.layers) {
    const LayerKind kind = layer.spec.kind;
    if (kind == LayerKind::flatten) continue;
    if (layer.has_parameters()) {
      Stage& stage = stages.emplace_back(begin_stage(layer));
      stage.product = product_of(layer);
      stage.relu = layer.spec.relu;
      stage.finished = layer.output;
      stage.output = layer.output;
      continue;
    }
    if (kind == LayerKind::global_average_pool2d) {
      Stage& stage = stages.emplace_back(begin_stage(layer));
      stage.average = true;
      stage.output = layer.output;
      continue;
    }
    const bool joins = !stages.empty() && takes(stages.back(), layer);
    Stage& stage = joins ? stages.back() : stages.emplace_back(begin_stage(layer));
    if (kind == LayerKind::max_pool2d) {
      stage.max_pool = true;
      stage.output = layer.output;
    } else {
      stage.dropout = {dropout_numbers(layer.spec.rate), static_cast<std::uint32_t>(layer.index)};
    }
  }
  return stages;
}

std::vector<ParameterRange> make_ranges(const std::vector<Stage>& stages) {
  std::vector<ParameterRange> ranges;
  for (const Stage& stage : stages) {
    if (!stage.product) continue;
    const Stage::ProductPart& p = *stage.product;
    const std::size_t size = std::size_t{p.shape.taps()} * p.shape.inputs * p.shape.filters;
    const auto kernel = static_cast<std::uint32_t>(p.kernel_offset);
    const auto bias = static_cast<std::uint32_t>(p.bias_offset);
    ranges.push_back(
        {kernel, kernel + static_cast<std::uint32_t>(size), p.kernel_gradient_splits, true});
    ranges.push_back({bias, bias + p.shape.filters, 1, false});
  }
  return ranges;
}

}  // namespace headstart::cuda
