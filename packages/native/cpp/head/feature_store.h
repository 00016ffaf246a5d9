#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "head/file_mapping.h"
#include "head/spec.h"

namespace headstart {

enum class FeatureType { float32, float16, bfloat16 };

// Memory of a device for rows; the backend that made it knows what its address means.
class DeviceRows {
 public:
  virtual ~DeviceRows() = default;
  // Copies bytes behind those that are there, and returns when they are.
  virtual void append(const void* data, std::size_t bytes) = 0;
  virtual const void* data() const noexcept = 0;
};

// Rows of features, one after the other: in host memory, reserved at once and touched as rows come,
// in a file that is mapped, or in a device's memory alone. Rows never move, so they may be read
// while others are added.
class FeatureStore {
 public:
  using MakeRows = std::function<std::unique_ptr<DeviceRows>(std::size_t bytes)>;

  // Throws Error (out_of_memory) naming the size.
  FeatureStore(const Shape& shape, std::size_t capacity, FeatureType type);

  // The rows that lie in a file from byte offset on, which must be a multiple of the element's
  // size. Nothing can be added. The file must not shrink while it is mapped.
  // Throws Error (invalid_argument) naming the file.
  static FeatureStore map(const std::string& path, std::uint64_t offset, const Shape& shape,
                          std::size_t rows, FeatureType type);

  // Rows that pass through host memory on their way to the device, and are not kept there.
  FeatureStore(const Shape& shape, std::size_t capacity, FeatureType type, const MakeRows& make);

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

  // Whether the rows are in a device's memory alone.
  bool on_device() const noexcept { return device_ && device_->alone; }
  // The device's address of row 0. Rows of host memory are copied there, once for all trainers that
  // read them; what was added since the call before follows.
  const void* device_data(const MakeRows& make) const;

  // Not on a device alone; row < length(); the type must be the store's.
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

  struct OnDevice {
    bool alone = false;
    std::mutex mutex;  // several trainers may ask at once
    std::unique_ptr<DeviceRows> rows;
    std::size_t length = 0;            // rows that are there
    std::vector<std::size_t> invalid;  // of a device alone: rows with a number that is not finite
  };

  FeatureStore(const Shape& shape, std::size_t rows, FeatureType type, FileMapping mapping);
  void check_size() const;
  void append_to_device(const void* data, std::size_t elements);
  bool is_invalid(const std::byte* row) const;

  // Checks that rows of elements numbers fit, and gives where they go.
  std::byte* place(std::size_t elements);

  Shape shape_;
  FeatureType type_;
  std::size_t capacity_;
  std::size_t length_ = 0;
  std::unique_ptr<std::byte, Free> owned_;
  FileMapping mapping_;
  const std::byte* data_ = nullptr;
  std::unique_ptr<OnDevice> device_;
};

}  // namespace headstart
