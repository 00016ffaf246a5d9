#include "cpu/loss.h"

#include <algorithm>
#include <cmath>

namespace headstart::cpu {
namespace {

// e^(row - max) into to, and their sum. to may be row.
double exponentials(const float* row, std::size_t classes, float largest, float* to) {
  double sum = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    to[k] = std::exp(row[k] - largest);
    sum += to[k];
  }
  return sum;
}

// False where any logit is not a number: every comparison with one fails.
bool is_best(const float* row, std::size_t classes, std::size_t label) {
  for (std::size_t k = 0; k < classes; ++k) {
    const bool beaten = k < label ? !(row[k] < row[label]) : !(row[k] <= row[label]);
    if (beaten) return false;
  }
  return true;
}

}  // namespace

BatchSums cross_entropy(std::span<const float> logits, std::size_t classes,
                        std::span<const std::int32_t> labels, std::span<const float> class_weights,
                        float* d_logits) {
  BatchSums sums;
  const double count = static_cast<double>(labels.size());
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const float* row = logits.data() + n * classes;
    const auto label = static_cast<std::size_t>(labels[n]);
    const double weight = class_weights.empty() ? 1.0 : class_weights[label];
    const float largest = *std::max_element(row, row + classes);
    double total = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      total += std::exp(static_cast<double>(row[k]) - largest);
    }
    sums.loss += weight * (std::log(total) + largest - row[label]);
    sums.correct += is_best(row, classes, label) ? 1 : 0;
    if (!d_logits) continue;
    float* d_row = d_logits + n * classes;
    const double scale = weight / count / exponentials(row, classes, largest, d_row);
    for (std::size_t k = 0; k < classes; ++k) d_row[k] = static_cast<float>(d_row[k] * scale);
    d_row[label] = static_cast<float>(d_row[label] - weight / count);
  }
  return sums;
}

void softmax(std::span<const float> logits, std::size_t classes, float* probabilities) {
  for (std::size_t begin = 0; begin < logits.size(); begin += classes) {
    const float* row = logits.data() + begin;
    const float largest = *std::max_element(row, row + classes);
    const double sum = exponentials(row, classes, largest, probabilities + begin);
    for (std::size_t k = 0; k < classes; ++k) {
      probabilities[begin + k] = static_cast<float>(probabilities[begin + k] / sum);
    }
  }
}

}  // namespace headstart::cpu
