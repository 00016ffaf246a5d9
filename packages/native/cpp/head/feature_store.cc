#include "head/feature_store.h"

#include <cstring>
#include <string>

#include "head/error.h"

namespace headstart {

FeatureStore::FeatureStore(const Shape& shape, std::size_t capacity, FeatureType type)
    : shape_(shape), type_(type), capacity_(capacity) {
  constexpr std::size_t limit = std::size_t{1} << 46;
  if (shape.height > limit / shape.width || shape.pixels() > limit / shape.channels) {
    throw invalid_argument("One row of shape " + to_string(shape) + " is too large.");
  }
  const bool fits = capacity == 0 || row_bytes() <= limit / capacity;
  if (fits) data_.reset(static_cast<std::byte*>(std::malloc(capacity * row_bytes() + 64)));
  if (!data_) {
    throw Error(ErrorCode::out_of_memory, "There is no memory for " + std::to_string(capacity) +
                                              " rows of " + to_string(shape) + " features.");
  }
}

void FeatureStore::append(const void* data, std::size_t elements) {
  const std::size_t row = shape_.size();
  if (elements % row != 0) {
    throw invalid_argument("Expected whole rows of " + std::to_string(row) +
                           " numbers but received " + std::to_string(elements) + " numbers.");
  }
  const std::size_t rows = elements / row;
  if (rows > capacity_ - length_) {
    throw invalid_argument("The store holds " + std::to_string(capacity_) + " rows, of which " +
                           std::to_string(capacity_ - length_) +
                           " are free: " + std::to_string(rows) + " more do not fit.");
  }
  if (rows == 0) return;
  std::memcpy(data_.get() + bytes(), data, rows * row_bytes());
  length_ += rows;
}

}  // namespace headstart
