#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cpu/compute.h"
#include "head/backend.h"

namespace headstart::cpu {

struct LossOptions {
  std::span<const float> class_weights;  // [classes], or none
  double label_smoothing = 0;
};

// Softmax cross-entropy from logits [N, classes]. Fills d_logits [N, classes], unless it is null,
// with the gradient of the sum of weight * cross-entropy divided by N.
class CrossEntropy {
 public:
  // Adds the samples to the sums, one after the other: the same bits however samples are cut into
  // batches.
  void add(const Compute& compute, std::span<const float> logits, std::size_t classes,
           std::span<const std::int32_t> labels, const LossOptions& options, float* d_logits,
           Sums& sums);

 private:
  std::vector<double> losses_;
  std::vector<std::uint8_t> correct_;
};

// probabilities: [N, classes].
void softmax(const Compute& compute, std::span<const float> logits, std::size_t classes,
             float* probabilities);

}  // namespace headstart::cpu
