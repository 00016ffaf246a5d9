#include "cuda/step_memory.h"

#include <algorithm>

namespace headstart::cuda {
namespace {

constexpr std::size_t alignment = 256;

}  // namespace

StepMemory::StepMemory(const std::vector<Stage>& all, std::size_t parameter_floats,
                       std::size_t classes, std::size_t heads, std::size_t samples, bool trains)
    : bytes(0), widest(samples * classes), gradient_splits(1) {
  std::size_t widest_parts = 0;
  bool trained = false;  // whether this stage or one before it has parameters
  for (const Stage& stage : all) {
    const std::size_t output = samples * stage.output.size();
    stages.push_back({place(heads * output * sizeof(float)), place(heads * output)});
    if (!stage.product) {
      if (trained) widest = std::max(widest, samples * stage.input.size());
      continue;
    }
    const Stage::ProductPart& p = *stage.product;
    widest = std::max(widest, samples * stage.finished.size());
    widest_parts = std::max(widest_parts, p.forward_splits * samples * stage.finished.size());
    gradient_splits = std::max(gradient_splits, p.kernel_gradient_splits);
    // Nothing wants the gradient by what comes before the first parameters.
    if (trains && trained) {
      widest_parts = std::max(widest_parts, p.input_gradient_splits * samples * stage.input.size());
    }
    trained = true;
  }
  parts = place(heads * widest_parts * sizeof(float));
  losses = place(heads * samples * sizeof(double));
  correct = place(heads * samples);
  for (std::size_t& one : differences) one = trains ? place(heads * widest * sizeof(float)) : 0;
  gradients = trains ? place(heads * gradient_splits * parameter_floats * sizeof(float)) : 0;
}

std::size_t StepMemory::place(std::size_t size) {
  const std::size_t begin = bytes;
  bytes += (size + alignment - 1) / alignment * alignment;
  return begin;
}

}  // namespace headstart::cuda
