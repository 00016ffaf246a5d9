#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "head/file_mapping.h"
#include "head/spec.h"

namespace headstart {

enum class FeatureType { float32, float16, bfloat16 };

// Rows of features, one after the other: in host memory, reserved at once and touched as rows come,
// or in a file that is mapped. Rows never move, so they may be read while others are added.
class FeatureStore {
 public:
  // Throws Error (out_of_memory) naming the size.
  FeatureStore(const Shape& shape, std::size_t capacity, FeatureType type);

  // The rows that lie in a file from byte offset on, which must be a multiple of the element's
  // size. Nothing can be added. The file must not shrink while it is mapped.
  // Throws Error (invalid_argument) naming the file.
  static FeatureStore map(const std::string& path, std::uint64_t offset, const Shape& shape,
                          std::size_t rows, FeatureType type);

  const Shape& shape() const noexcept { return shape_; }
  FeatureType type() const noexcept { return type_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t length() const noexcept { return length_; }
  std::size_t element_bytes() const noexcept { return type_ == FeatureType::float32 ? 4 : 2; }
  std::size_t row_bytes() const noexcept { return shape_.size() * element_bytes(); }
  std::size_t bytes() const noexcept { return length_ * row_bytes(); }
  // Of these, bytes of the process's own memory.
  std::size_t owned_bytes() const noexcept { return owned_ ? bytes() : 0; }

  // elements numbers of the store's type. Throws Error (invalid_argument) for broken rows or more
  // than fit; the store is then as it was.
  void append(const void* data, std::size_t elements);
  // The same from float32, each rounded to the store's type, which must be bfloat16.
  void append_rounded(const float* data, std::size_t elements);

  // The first of rows [begin, begin + count) that holds an infinity or a not-a-number.
  std::optional<std::size_t> find_invalid_row(std::size_t begin, std::size_t count) const;

  // row < length(); the type must be the store's.
  const float* row_float32(std::size_t row) const noexcept {
    return reinterpret_cast<const float*>(data_ + row * row_bytes());
  }
  // The bits of float16 or bfloat16.
  const std::uint16_t* row_halves(std::size_t row) const noexcept {
    return reinterpret_cast<const std::uint16_t*>(data_ + row * row_bytes());
  }

 private:
  struct Free {
    void operator()(std::byte* data) const noexcept { std::free(data); }
  };

  FeatureStore(const Shape& shape, std::size_t rows, FeatureType type, FileMapping mapping);

  // Checks that rows of elements numbers fit, and gives where they go.
  std::byte* place(std::size_t elements);

  Shape shape_;
  FeatureType type_;
  std::size_t capacity_;
  std::size_t length_ = 0;
  std::unique_ptr<std::byte, Free> owned_;
  FileMapping mapping_;
  const std::byte* data_ = nullptr;
};

}  // namespace headstart
