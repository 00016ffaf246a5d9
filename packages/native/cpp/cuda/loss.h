#pragma once

#include <cuda_runtime.h>

#include "cuda/step.h"

namespace headstart::cuda {

// Softmax cross-entropy from logits [N, classes] a head; see cpu/loss.h.
struct Loss {
  Steps steps;
  unsigned classes;
  const float* logits;
  std::size_t logits_stride;
  const std::int32_t* labels;  // of all heads, as HeadFacts::rows_begin says
  const float* class_weights;  // [heads, classes]; null: ones
  float* d_logits;             // [N, classes] a head; null: not wanted
  std::size_t d_logits_stride;
  double* losses;         // [heads, samples]
  std::uint8_t* correct;  // [heads, samples]
  unsigned samples;       // the most that a head has
  DeviceSums* sums;       // [heads], added to
};

void add_loss(const Loss& loss, cudaStream_t stream);

// probabilities [N, classes] a head, in place of the logits.
void softmax(const Steps& steps, float* logits, std::size_t stride, unsigned classes,
             unsigned samples, cudaStream_t stream);

}  // namespace headstart::cuda
