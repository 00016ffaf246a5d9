#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "head/optimizer.h"

namespace headstart {

// How one head is trained.
struct HeadOptions {
  std::uint64_t seed = 0;  // < 2^53
  double learning_rate = 1e-3;
  OptimizerOptions optimizer;
  // Keras's kernel_regularizer: l2 times the sum of squares of every kernel is part of the loss.
  double l2 = 0;
  // Keras's: a share of the target is spread evenly over the classes. 0 <= label_smoothing < 1.
  double label_smoothing = 0;
  std::optional<double> dropout;     // replaces the rate of every dropout layer
  std::vector<float> class_weights;  // [classes], or none
};

// What products are computed in. tf32, bf16: operands rounded to TensorFloat-32 (10 bits of
// fraction) or bfloat16 (7), sums in float32; parameters, their updates and everything between
// products stay float32.
enum class Precision { fp32, tf32, bf16 };

}  // namespace headstart
