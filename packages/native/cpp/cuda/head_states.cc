#include "cuda/head_states.h"

namespace headstart::cuda {

HeadStates::HeadStates(std::span<const HeadOptions> heads, std::size_t parameter_floats,
                       cudaStream_t stream)
    : parameter_floats_(parameter_floats) {
  const std::size_t floats = heads.size() * parameter_floats;
  require_memory(3 * floats * sizeof(float), "the weights of " + count_of(heads.size(), "head"));
  for (DeviceBuffer<float>& array : arrays_) {
    check(cudaMemsetAsync(array.require(floats), 0, floats * sizeof(float), stream),
          "clearing the weights");
  }
  for (const HeadOptions& options : heads) {
    has_[index(State::weights)].push_back(true);
    has_[index(State::first_moment)].push_back(options.optimizer.has_first_moment());
    has_[index(State::second_moment)].push_back(options.optimizer.has_second_moment());
  }
}

std::size_t HeadStates::bytes() const noexcept {
  std::size_t sum = 0;
  for (const DeviceBuffer<float>& array : arrays_) sum += array.bytes();
  return sum;
}

}  // namespace headstart::cuda
