#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <span>
#include <vector>

#include "cuda/runtime.h"
#include "head/backend.h"

namespace headstart::cuda {

// Weights and moments of all heads, each [heads, parameter_floats] on the device. Kernels need all
// three arrays; what an optimizer has no use for stays zero.
class HeadStates {
 public:
  // Begins to clear them on the stream. Throws Error (out_of_memory).
  HeadStates(std::span<const HeadOptions> heads, std::size_t parameter_floats, cudaStream_t stream);

  // Whether the optimizer of the head has it.
  bool has(std::size_t head, State state) const { return has_[index(state)].at(head); }
  // Where it is for a head.
  float* at(std::size_t head, State state) const {
    return arrays_[index(state)].data() + head * parameter_floats_;
  }
  std::size_t bytes() const noexcept;

 private:
  static std::size_t index(State state) { return static_cast<std::size_t>(state); }

  std::size_t parameter_floats_;
  DeviceBuffer<float> arrays_[3];  // by State
  std::vector<bool> has_[3];
};

}  // namespace headstart::cuda
