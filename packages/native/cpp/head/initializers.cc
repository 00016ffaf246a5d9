#include "head/initializers.h"

#include <algorithm>
#include <cmath>

#include "head/philox.h"

namespace headstart {

void initialize(const Plan& plan, std::uint64_t seed, std::span<float> parameters) {
  std::fill(parameters.begin(), parameters.end(), 0.0f);
  for (std::size_t p = 0; p < plan.parameters.size(); ++p) {
    const Parameter& parameter = plan.parameters[p];
    if (parameter.fan_in == 0) continue;
    const double fans = static_cast<double>(parameter.fan_in + parameter.fan_out);
    const double limit = std::sqrt(6.0 / fans);
    RandomWords words(RandomStream(seed, RandomDomain::init, static_cast<std::uint32_t>(p), 0));
    for (float& value : parameters.subspan(parameter.offset, parameter.size)) {
      value = static_cast<float>((2.0 * words.next_uniform() - 1.0) * limit);
    }
  }
}

}  // namespace headstart
