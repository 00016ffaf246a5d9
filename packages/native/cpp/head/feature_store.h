#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "head/spec.h"

namespace headstart {

enum class FeatureType { float32, float16 };

// Rows of features in host memory, one after the other. The memory is reserved at once and touched
// as rows come; it never moves, so rows may be read while others are added.
class FeatureStore {
 public:
  // Throws Error (out_of_memory) naming the size.
  FeatureStore(const Shape& shape, std::size_t capacity, FeatureType type);

  const Shape& shape() const noexcept { return shape_; }
  FeatureType type() const noexcept { return type_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t length() const noexcept { return length_; }
  std::size_t element_bytes() const noexcept { return type_ == FeatureType::float32 ? 4 : 2; }
  std::size_t row_bytes() const noexcept { return shape_.size() * element_bytes(); }
  std::size_t bytes() const noexcept { return length_ * row_bytes(); }

  // elements numbers of the store's type. Throws Error (invalid_argument) for broken rows or more
  // than fit; the store is then as it was.
  void append(const void* data, std::size_t elements);

  // row < length(); the type must be the store's.
  const float* row_float32(std::size_t row) const noexcept {
    return reinterpret_cast<const float*>(data_.get() + row * row_bytes());
  }
  const std::uint16_t* row_float16(std::size_t row) const noexcept {
    return reinterpret_cast<const std::uint16_t*>(data_.get() + row * row_bytes());
  }

 private:
  struct Free {
    void operator()(std::byte* data) const noexcept { std::free(data); }
  };

  Shape shape_;
  FeatureType type_;
  std::size_t capacity_;
  std::size_t length_ = 0;
  std::unique_ptr<std::byte, Free> data_;
};

}  // namespace headstart
