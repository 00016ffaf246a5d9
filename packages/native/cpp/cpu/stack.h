#pragma once

#include <cstddef>
#include <cstdint>

#include "head/spec.h"

namespace headstart::cpu {

// A chain of convolutions over images, forward only.
class Stack {
 public:
  virtual ~Stack() = default;

  // images: [count, *input()]. to: [count, *output()].
  virtual void run(const std::uint8_t* images, std::size_t count, float* to) = 0;
  virtual const Shape& input() const noexcept = 0;
  virtual const Shape& output() const noexcept = 0;
  virtual std::size_t bytes() const noexcept = 0;
};

}  // namespace headstart::cpu
