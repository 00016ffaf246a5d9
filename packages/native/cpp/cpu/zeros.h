#pragma once

#include <cstddef>
#include <utility>

namespace headstart::cpu {

// Floats at 64-byte boundaries, all zero. They take memory only where they are touched, in large
// pages where the system gives any: being given small ones costs more than a head's first epochs.
class Zeros {
 public:
  Zeros() = default;
  // Throws std::bad_alloc.
  explicit Zeros(std::size_t count);
  Zeros(Zeros&& other) noexcept { swap(other); }
  Zeros& operator=(Zeros&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Zeros();

  float* data() const noexcept { return data_; }

 private:
  void swap(Zeros& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    std::swap(data_, other.data_);
  }

  void* base_ = nullptr;
  std::size_t bytes_ = 0;
  float* data_ = nullptr;
};

}  // namespace headstart::cpu
