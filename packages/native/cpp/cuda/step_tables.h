// What all steps of a call need to know, gathered on the host and copied to the device at once.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cuda/runtime.h"
#include "cuda/step.h"
#include "head/backend.h"

namespace headstart::cuda {

// One head's part of a call.
struct TableHead {
  std::span<const std::int32_t> rows;
  std::span<const std::int32_t> labels;  // as many, or none
  const HeadOptions* options = nullptr;
  std::span<const double> learning_rates;  // one a step, or none: the option's
  std::optional<DropoutDraw> dropout;      // its step: that of the first step
  bool weighs_classes = false;
};

class StepTables {
 public:
  // Device addresses; class_weights is null where no head has any.
  struct Addresses {
    const HeadStep* steps = nullptr;  // [steps, heads], steps a multiple of `multiple`
    const HeadFacts* facts = nullptr;
    const std::int32_t* rows = nullptr;
    const std::int32_t* labels = nullptr;
    const float* class_weights = nullptr;

    bool operator==(const Addresses&) const = default;
  };

  // Steps of batch_size samples; a head's last may be short, and then it rests. The copy was begun
  // on the stream when this returns; the stream must be idle when it is called.
  void fill(std::span<const TableHead> heads, std::size_t batch_size, std::size_t multiple,
            std::size_t classes, cudaStream_t stream);

  const Addresses& addresses() const noexcept { return addresses_; }
  // On the host and the device.
  std::size_t bytes() const noexcept { return host_bytes_ + device_.bytes(); }

 private:
  DeviceBuffer<std::byte> device_;
  std::optional<PinnedBuffer> host_;
  std::size_t host_bytes_ = 0;
  Addresses addresses_;
};

inline std::size_t steps_of(std::size_t rows, std::size_t batch_size) {
  return (rows + batch_size - 1) / batch_size;
}

}  // namespace headstart::cuda
