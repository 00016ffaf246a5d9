#include "cpu/loss.h"

#include <cmath>

namespace headstart::cpu {
namespace {

// Samples of one task.
constexpr std::size_t task_samples = 16;

struct Exponentials {
  double largest;
  double sum;  // of e^(logit - largest)
};

// e^(logit - largest) into to, unless it is null.
Exponentials exponentials(const float* row, std::size_t classes, float* to) {
  const double largest = *std::max_element(row, row + classes);
  double sum = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    const double value = std::exp(row[k] - largest);
    sum += value;
    if (to) to[k] = static_cast<float>(value);
  }
  return {largest, sum};
}

// False where any logit is not a number: every comparison with one fails.
bool is_best(const float* row, std::size_t classes, std::size_t label) {
  for (std::size_t k = 0; k < classes; ++k) {
    const bool beaten = k < label ? !(row[k] < row[label]) : !(row[k] <= row[label]);
    if (beaten) return false;
  }
  return true;
}

// log(sum of e^z) - z[label], or with smoothing s - (1 - s) z[label] - s mean(z).
double loss_of(const float* row, std::size_t classes, std::size_t label, double smoothing,
               const Exponentials& e) {
  double target = row[label] - e.largest;
  if (smoothing > 0) {
    double all = 0;
    for (std::size_t k = 0; k < classes; ++k) all += row[k] - e.largest;
    target = (1 - smoothing) * target + smoothing / static_cast<double>(classes) * all;
  }
  return std::log(e.sum) - target;
}

template <class Body>
void for_samples(const Compute& compute, std::size_t samples, const Body& body) {
  compute.pool.run(ceil_div(samples, task_samples), [&](std::size_t task) {
    const std::size_t end = std::min(samples, (task + 1) * task_samples);
    for (std::size_t n = task * task_samples; n < end; ++n) body(n);
  });
}

}  // namespace

void CrossEntropy::add(const Compute& compute, std::span<const float> logits, std::size_t classes,
                       std::span<const std::int32_t> labels, const LossOptions& options,
                       float* d_logits, Sums& sums) {
  const std::size_t samples = labels.size();
  losses_.resize(samples);
  correct_.resize(samples);
  const double smoothing = options.label_smoothing;
  const double even = smoothing / static_cast<double>(classes);
  for_samples(compute, samples, [&](std::size_t n) {
    const float* row = logits.data() + n * classes;
    float* d_row = d_logits ? d_logits + n * classes : nullptr;
    const auto label = static_cast<std::size_t>(labels[n]);
    const double weight = options.class_weights.empty() ? 1.0 : options.class_weights[label];
    const Exponentials e = exponentials(row, classes, d_row);
    losses_[n] = weight * loss_of(row, classes, label, smoothing, e);
    correct_[n] = is_best(row, classes, label) ? 1 : 0;
    if (!d_row) return;
    const double share = weight / static_cast<double>(samples);
    // Rounded once: where the label's probability is 1, the gradient is 0, not what rounding left.
    for (std::size_t k = 0; k < classes; ++k) {
      const double target = k == label ? 1 - smoothing + even : even;
      d_row[k] = static_cast<float>(share * (d_row[k] / e.sum - target));
    }
  });
  double loss = sums.loss;
  for (std::size_t n = 0; n < samples; ++n) {
    loss += losses_[n];
    sums.correct += correct_[n];
  }
  sums.loss = loss;
  sums.samples += samples;
}

void softmax(const Compute& compute, std::span<const float> logits, std::size_t classes,
             float* probabilities) {
  for_samples(compute, logits.size() / classes, [&](std::size_t n) {
    float* to = probabilities + n * classes;
    const Exponentials e = exponentials(logits.data() + n * classes, classes, to);
    for (std::size_t k = 0; k < classes; ++k) to[k] = static_cast<float>(to[k] / e.sum);
  });
}

}  // namespace headstart::cpu
