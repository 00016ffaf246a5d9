#pragma once

#include <cuda_runtime.h>

#include "cuda/step.h"

namespace headstart::cuda {

// A parameter among those of a head.
struct ParameterRange {
  std::uint32_t begin;
  std::uint32_t end;
  std::uint32_t splits;  // parts of its gradient
  bool kernel;           // the L2 penalty counts it
};

// Parameters and optimizer state of all heads, each [heads, count].
struct Update {
  Steps steps;
  unsigned count;
  const ParameterRange* ranges;
  unsigned range_count;
  float* weights;
  float* first_moment;
  float* second_moment;
  const float* gradients;  // [heads, splits, count]
  std::size_t gradients_stride;
  // Not null: gets the summed gradients [heads, count], and nothing is updated.
  float* collected;
};

void update(const Update& update, cudaStream_t stream);

// sums[h].loss += N * l2 * the sum of squares of head h's kernels.
void add_penalty(const Update& update, DeviceSums* sums, cudaStream_t stream);

// *counter += by, or = by.
void advance(std::uint32_t* counter, std::uint32_t by, bool reset, cudaStream_t stream);

}  // namespace headstart::cuda
