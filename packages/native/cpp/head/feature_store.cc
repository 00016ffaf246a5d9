#include "head/feature_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "head/bfloat16.h"
#include "head/error.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace headstart {
namespace {

constexpr std::size_t max_bytes = std::size_t{1} << 46;

void check_row(const Shape& shape) {
  if (shape.height > max_bytes / shape.width || shape.pixels() > max_bytes / shape.channels) {
    throw invalid_argument("One row of shape " + to_string(shape) + " is too large.");
  }
}

Error no_memory(std::size_t rows, const Shape& shape) {
  return Error(ErrorCode::out_of_memory, "There is no memory for " + std::to_string(rows) +
                                             " rows of " + to_string(shape) + " features.");
}

// Large stores in large pages where the system has them: samples are read in random order, and each
// would miss the table of pages many times.
std::byte* allocate(std::size_t bytes) {
  constexpr std::size_t large_page = std::size_t{1} << 21;
  const std::size_t unit = bytes >= 8 * large_page ? large_page : 64;
  const std::size_t size = (bytes / unit + 1) * unit;
  void* data = std::aligned_alloc(unit, size);
#if defined(__linux__)
  if (data && unit == large_page) ::madvise(data, size, MADV_HUGEPAGE);
#endif
  return static_cast<std::byte*>(data);
}

// Every exponent bit set: an infinity or a not-a-number.
template <class Bits, Bits exponent>
bool has_invalid(const std::byte* row, std::size_t count) {
  const auto* bits = reinterpret_cast<const Bits*>(row);
  unsigned found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    found |= static_cast<unsigned>((bits[i] & exponent) == exponent);
  }
  return found != 0;
}

}  // namespace

FeatureStore::FeatureStore(const Shape& shape, std::size_t capacity, FeatureType type)
    : shape_(shape), type_(type), capacity_(capacity), device_(std::make_unique<OnDevice>()) {
  check_size();
  owned_.reset(allocate(capacity * row_bytes()));
  if (!owned_) throw no_memory(capacity, shape);
  data_ = owned_.get();
}

FeatureStore::FeatureStore(const Shape& shape, std::size_t capacity, FeatureType type,
                           const MakeRows& make)
    : shape_(shape), type_(type), capacity_(capacity), device_(std::make_unique<OnDevice>()) {
  check_size();
  device_->alone = true;
  device_->rows = make(capacity * row_bytes());
}

FeatureStore::FeatureStore(const Shape& shape, std::size_t rows, FeatureType type,
                           FileMapping mapping)
    : shape_(shape),
      type_(type),
      capacity_(rows),
      length_(rows),
      mapping_(std::move(mapping)),
      data_(mapping_.data()),
      device_(std::make_unique<OnDevice>()) {}

void FeatureStore::check_size() const {
  check_row(shape_);
  if (capacity_ > 0 && row_bytes() > max_bytes / capacity_) throw no_memory(capacity_, shape_);
}

FeatureStore FeatureStore::map(const std::string& path, std::uint64_t offset, const Shape& shape,
                               std::size_t rows, FeatureType type) {
  check_row(shape);
  const std::size_t element = type == FeatureType::float32 ? 4 : 2;
  if (rows > 0 && shape.size() * element > max_bytes / rows) {
    throw invalid_argument("The file " + path + " cannot hold " + std::to_string(rows) +
                           " rows of " + to_string(shape) + " features.");
  }
  if (offset % element != 0) {
    throw invalid_argument("The features in " + path + " begin at byte " + std::to_string(offset) +
                           ", which is no multiple of their size: read them instead.");
  }
  return FeatureStore(shape, rows, type,
                      FileMapping::open(path, offset, rows * shape.size() * element));
}

std::byte* FeatureStore::place(std::size_t elements) {
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
  return owned_ ? owned_.get() + bytes() : nullptr;
}

void FeatureStore::append(const void* data, std::size_t elements) {
  std::byte* to = place(elements);
  if (elements == 0) return;
  if (on_device()) return append_to_device(data, elements);
  std::memcpy(to, data, elements * element_bytes());
  length_ += elements / shape_.size();
}

void FeatureStore::append_rounded(const float* data, std::size_t elements) {
  auto* to = reinterpret_cast<std::uint16_t*>(place(elements));
  if (elements == 0) return;
  if (on_device()) {
    std::vector<std::uint16_t> rounded(elements);
    std::transform(data, data + elements, rounded.begin(), to_bfloat16);
    return append_to_device(rounded.data(), elements);
  }
  std::transform(data, data + elements, to, to_bfloat16);
  length_ += elements / shape_.size();
}

// Rows are looked at on their way, as they cannot be afterwards.
void FeatureStore::append_to_device(const void* data, std::size_t elements) {
  const std::size_t rows = elements / shape_.size();
  device_->rows->append(data, elements * element_bytes());
  const auto* row = static_cast<const std::byte*>(data);
  for (std::size_t i = 0; i < rows; ++i, row += row_bytes()) {
    if (is_invalid(row)) device_->invalid.push_back(length_ + i);
  }
  length_ += rows;
}

const void* FeatureStore::device_data(const MakeRows& make) const {
  if (on_device()) return device_->rows->data();
  const std::lock_guard lock(device_->mutex);
  if (!device_->rows) device_->rows = make(capacity_ * row_bytes());
  const std::size_t end = length_;
  if (device_->length < end) {
    device_->rows->append(data_ + device_->length * row_bytes(),
                          (end - device_->length) * row_bytes());
    device_->length = end;
  }
  return device_->rows->data();
}

bool FeatureStore::is_invalid(const std::byte* row) const {
  switch (type_) {
    case FeatureType::float32:
      return has_invalid<std::uint32_t, 0x7F800000u>(row, shape_.size());
    case FeatureType::float16:
      return has_invalid<std::uint16_t, 0x7C00u>(row, shape_.size());
    case FeatureType::bfloat16:
      break;
  }
  return has_invalid<std::uint16_t, 0x7F80u>(row, shape_.size());
}

std::optional<std::size_t> FeatureStore::find_invalid_row(std::size_t begin,
                                                          std::size_t count) const {
  const std::size_t end = std::min(length_, begin + count);
  if (on_device()) {
    const auto& invalid = device_->invalid;
    const auto first = std::lower_bound(invalid.begin(), invalid.end(), begin);
    return first != invalid.end() && *first < end ? std::optional(*first) : std::nullopt;
  }
  for (std::size_t row = begin; row < end; ++row) {
    if (is_invalid(data_ + row * row_bytes())) return row;
  }
  return std::nullopt;
}

}  // namespace headstart
