// The memory of a step, in one piece: where each array is, and how much that makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/stages.h"
#include "cuda/step.h"

namespace headstart::cuda {

// For `heads` heads with at most `samples` samples each. Offsets are in bytes.
struct StepMemory {
  StepMemory(const std::vector<Stage>& stages, std::size_t parameter_floats, std::size_t classes,
             std::size_t heads, std::size_t samples, bool trains);

  struct Activations {
    std::size_t y;        // float [heads, samples, output]
    std::size_t choices;  // bytes, likewise
  };

  std::vector<Activations> stages;
  std::size_t parts;           // of the product at hand: float [heads, splits, samples, its result]
  std::size_t differences[2];  // gradients by activations, in turn: float [heads, samples, widest]
  std::size_t gradients;       // float [heads, gradient_splits, parameter_floats]
  std::size_t losses;          // double [heads, samples]
  std::size_t correct;         // bytes [heads, samples]
  std::size_t bytes;

  // Of one head, in numbers.
  std::size_t widest;  // of the differences, samples included
  unsigned gradient_splits;

 private:
  std::size_t place(std::size_t size);
};

}  // namespace headstart::cuda
