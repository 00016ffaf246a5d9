#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "head/backend.h"

namespace headstart::cpu {

// Softmax cross-entropy from logits [N, classes]. Where d_logits is given it becomes the gradient
// of sum(weight * cross-entropy) / N, [N, classes]. class_weights may be empty: all ones.
BatchSums cross_entropy(std::span<const float> logits, std::size_t classes,
                        std::span<const std::int32_t> labels, std::span<const float> class_weights,
                        float* d_logits);

// probabilities [N, classes] of logits [N, classes].
void softmax(std::span<const float> logits, std::size_t classes, float* probabilities);

}  // namespace headstart::cpu
