#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/finish.h"
#include "cuda/loss.h"
#include "cuda/product.h"
#include "cuda/stages.h"
#include "cuda/step.h"
#include "cuda/step_memory.h"
#include "cuda/update.h"
#include "head/spec.h"

namespace headstart::cuda {

// What the steps of some heads work on: device addresses, those of arrays [heads, …] at the first
// of these heads.
struct Work {
  Steps steps;
  unsigned samples;  // the most that a head has in a step
  bool dropout;
  Source features;
  const std::int32_t* labels;
  const float* class_weights;  // null: ones
  float* weights;
  float* first_moment;
  float* second_moment;
  std::byte* memory;  // laid out as `layout` says
  const StepMemory* layout;
  DeviceSums* sums;
};

// Launches what one step of all heads takes, in order, on a stream. Computes nothing itself and
// waits for nothing, so that a graph may be captured from it.
class HeadPass {
 public:
  // ranges: make_ranges(stages) on the device.
  HeadPass(const Plan& plan, std::vector<Stage> stages, const ParameterRange* ranges, Math math);

  const std::vector<Stage>& stages() const noexcept { return stages_; }

  // Forward, loss, backward and the update of every parameter.
  void train(const Work& work, cudaStream_t stream) const;
  // Forward and the sums of loss and hits.
  void evaluate(const Work& work, cudaStream_t stream) const;
  // Forward and softmax: gives where the probabilities are, [heads, samples, classes].
  const float* predict(const Work& work, cudaStream_t stream) const;
  // The gradients of the mean loss into [heads, parameter_floats]; updates nothing. Null: as train.
  void differentiate(const Work& work, float* gradients, cudaStream_t stream) const;

 private:
  Source input_of(std::size_t stage, const Work& work) const;
  Product product_of(const Stage& stage, const Work& work) const;
  Finish finish_of(std::size_t stage, const Work& work) const;
  Update update_of(const Work& work, float* collected) const;
  float* activations(std::size_t stage, const Work& work) const;
  void forward(const Work& work, cudaStream_t stream) const;
  void add_loss(const Work& work, float* d_logits, cudaStream_t stream) const;
  void backward(const Work& work, cudaStream_t stream) const;

  std::vector<Stage> stages_;
  std::size_t first_trained_ = 0;  // of the stages
  const ParameterRange* ranges_;
  unsigned range_count_ = 0;
  unsigned classes_;
  std::size_t parameter_floats_;
  Math math_;
};

}  // namespace headstart::cuda
