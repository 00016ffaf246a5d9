// Optimizers in Keras 3's forms, as numbers for one update of every parameter.
#pragma once

#include <cmath>
#include <cstdint>

namespace headstart {

// adam: D. Kingma, J. Ba, 2014, with epsilon outside the bias correction.
// sgd: with momentum as a velocity that holds the rate, Nesterov's by I. Sutskever et al., 2013.
// rmsprop: T. Hinton, 2012, with epsilon under the root.
enum class OptimizerKind { adam, sgd, rmsprop };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  double beta1 = 0.9;     // adam
  double beta2 = 0.999;   // adam
  double rho = 0.9;       // rmsprop
  double momentum = 0;    // sgd, rmsprop
  double epsilon = 1e-7;  // adam, rmsprop
  bool nesterov = false;  // sgd
  // Decoupled (I. Loshchilov, F. Hutter, 2019): w -= rate * weight_decay * w before each update.
  double weight_decay = 0;

  // adam's first moment; sgd's velocity; rmsprop's momentum.
  bool has_first_moment() const noexcept { return kind == OptimizerKind::adam || momentum > 0; }
  // The mean square of the gradient.
  bool has_second_moment() const noexcept { return kind != OptimizerKind::sgd; }
};

// One update. g: gradient, w: weight, m and v: the moments.
//   all      w -= decay w
//   adam     m += (g - m) (1 - keep1);  v += (g g - v) (1 - keep2);  w -= rate m / (sqrt(v) + eps)
//   sgd      m = m keep1 - rate g;  w += m, or with nesterov m keep1 - rate g
//   rmsprop  v = v keep2 + (1 - keep2) g g;  m = m keep1 + rate g / sqrt(v + eps);  w -= m
struct UpdateStep {
  OptimizerKind kind;
  bool nesterov;
  float rate;
  float decay;
  float keep1;
  float one_minus_keep1;
  float keep2;
  float one_minus_keep2;
  float epsilon;
};

// step counts from 1.
inline UpdateStep update_step(const OptimizerOptions& options, double rate, std::uint32_t step) {
  const bool adam = options.kind == OptimizerKind::adam;
  const double keep1 = adam ? options.beta1 : options.momentum;
  const double keep2 = adam ? options.beta2 : options.rho;
  const double t = step;
  const double correction =
      adam ? std::sqrt(1.0 - std::pow(keep2, t)) / (1.0 - std::pow(keep1, t)) : 1.0;
  return {options.kind,
          options.nesterov,
          static_cast<float>(rate * correction),
          static_cast<float>(rate * options.weight_decay),
          static_cast<float>(keep1),
          static_cast<float>(1.0 - keep1),
          static_cast<float>(keep2),
          static_cast<float>(1.0 - keep2),
          static_cast<float>(options.epsilon)};
}

}  // namespace headstart
