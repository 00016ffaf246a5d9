#pragma once

#include <memory>
#include <span>
#include <vector>

#include "cpu/layer.h"
#include "cpu/loss.h"

namespace headstart::cpu {

// Forward and backward passes through one head's layers at a time, with the memory that they need:
// layers, every layer's output, gradients. For one thread at a time; the pool's others help.
class HeadPass {
 public:
  HeadPass(const Plan& plan, const Compute& compute);

  // Adds loss and correct samples, without dropout, class weights and the L2 penalty.
  void evaluate(const float* parameters, const Batch& batch, const HeadOptions& options,
                Sums& sums);

  // l2 times the sum of squares of the kernels.
  double penalty(const float* parameters, double l2) const {
    return penalize(parameters, l2, nullptr);
  }

  // probabilities: [N, classes].
  void predict(const float* parameters, const Batch& batch, float* probabilities);

  // The gradient of the loss, [plan.parameter_floats], valid until the next call; see Engine.
  const float* differentiate(const float* parameters, const Batch& batch,
                             const HeadOptions& options, const std::optional<DropoutDraw>& dropout,
                             Sums& sums);

  // A step of training: the same, and then the update of every parameter.
  Sums train(const HeadUpdate& update, const Batch& batch, const HeadOptions& options,
             const DropoutDraw& dropout);

  std::size_t memory_bytes() const;

 private:
  // Fills gradients_, but for what the pass's update takes up.
  Sums backpropagate(const Pass& pass, const Batch& batch, const HeadOptions& options);
  void update_range(const HeadUpdate& update, std::size_t begin, std::size_t end);
  float* zeroed_gradients();
  void read_batch(const Batch& batch);
  std::span<const float> forward(const Pass& pass, const Batch& batch);
  Input input_of(std::size_t layer) const;
  // l2 times the sum of squares of the kernels; adds its gradient where gradients are given.
  double penalize(const float* parameters, double l2, float* gradients) const;

  const Plan& plan_;
  Compute compute_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::size_t first_trained_ = 0;
  std::size_t widest_ = 0;  // floats of the largest sample whose gradient is computed
  bool reads_bfloat16_ = false;
  CrossEntropy loss_;
  std::vector<std::vector<const float*>> rows_;  // of each layer's input
  std::vector<const std::uint16_t*> bfloat16_rows_;
  Buffer<float> converted_;
  Scratch<float> widened_;
  Buffer<std::uint16_t> rounded_;
  std::vector<Buffer<float>> outputs_;
  Buffer<float> d_outputs_[2];
  Buffer<float> gradients_;
};

}  // namespace headstart::cpu
