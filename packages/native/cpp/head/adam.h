// Adam (D. Kingma, J. Ba, 2014) in Keras's form: epsilon outside the bias correction.
#pragma once

#include <cmath>
#include <cstdint>

namespace headstart {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;
};

// What one update needs, the same for every parameter:
//   m += (g - m) (1 - beta1);  v += (g g - v) (1 - beta2);  w -= rate m / (sqrt(v) + epsilon)
struct AdamStep {
  float rate;
  float one_minus_beta1;
  float one_minus_beta2;
  float epsilon;
};

// step counts from 1.
inline AdamStep adam_step(const AdamOptions& options, std::uint32_t step) {
  const double t = step;
  const double correction =
      std::sqrt(1.0 - std::pow(options.beta2, t)) / (1.0 - std::pow(options.beta1, t));
  return {static_cast<float>(options.learning_rate * correction),
          static_cast<float>(1.0 - options.beta1), static_cast<float>(1.0 - options.beta2),
          static_cast<float>(options.epsilon)};
}

}  // namespace headstart
