#include "cuda/device_rows.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "cuda/engine.h"
#include "cuda/runtime.h"

namespace headstart::cuda {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{4} << 20;

// Rows go through two pieces of pinned memory: one is filled while the other is copied.
class Rows final : public DeviceRows {
 public:
  explicit Rows(std::size_t bytes) {
    require_memory(bytes, "the features");
    memory_.require(std::max<std::size_t>(bytes, 1));
    stream_ = make_stream();
    for (Chunk& chunk : chunks_) chunk.copied = make_event();
  }

  ~Rows() override {
    if (stream_) cudaStreamSynchronize(stream_.get());
  }

  void append(const void* data, std::size_t bytes) override {
    const auto* from = static_cast<const std::byte*>(data);
    std::size_t next = 0;
    for (std::size_t done = 0; done < bytes; done += chunk_bytes) {
      Chunk& chunk = chunks_[next++ % 2];
      const std::size_t size = std::min(chunk_bytes, bytes - done);
      if (!chunk.memory) chunk.memory.emplace(chunk_bytes);
      check(cudaEventSynchronize(chunk.copied.get()), "copying features to the GPU");
      std::memcpy(chunk.memory->data(), from + done, size);
      check(cudaMemcpyAsync(memory_.data() + used_ + done, chunk.memory->data(), size,
                            cudaMemcpyHostToDevice, stream_.get()),
            "copying features to the GPU");
      check(cudaEventRecord(chunk.copied.get(), stream_.get()), "copying features to the GPU");
    }
    check(cudaStreamSynchronize(stream_.get()), "copying features to the GPU");
    used_ += bytes;
  }

  const void* data() const noexcept override { return memory_.data(); }

 private:
  struct Chunk {
    std::optional<PinnedBuffer> memory;
    Event copied;
  };

  DeviceBuffer<std::byte> memory_;
  std::size_t used_ = 0;
  Stream stream_;
  Chunk chunks_[2];
};

}  // namespace

std::unique_ptr<DeviceRows> make_rows(std::size_t bytes) {
  require_device();
  return std::make_unique<Rows>(bytes);
}

}  // namespace headstart::cuda
