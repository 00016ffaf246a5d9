#include "checked_rows.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "arguments.h"
#include "napi_errors.h"
#include "promise_worker.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>
#endif

// Of zlib, which Node exports for addons (https://nodejs.org/api/addons.html).
extern "C" unsigned long crc32(unsigned long crc, const unsigned char* data, unsigned int size);

namespace headstart {
namespace {

struct Request {
  std::vector<std::int32_t> files;
  std::vector<double> offsets;
  std::vector<std::uint8_t> headers;
  std::size_t header_bytes = 0;
  std::size_t checked_bytes = 0;
  std::size_t row_bytes = 0;
  std::uint8_t* target = nullptr;  // where undefined: compares only
  unsigned threads = 1;

  std::size_t count() const noexcept { return files.size(); }
};

constexpr std::size_t checksum_at = 4;
constexpr std::size_t checked_from = 8;
constexpr std::size_t rows_at_once = 8;

#if !defined(_WIN32)
// Reads header and row. What is not in the system's memory is fetched with its surroundings, as mapped
// files are: rows that are read in random order are soon all there.
ssize_t read_parts(int file, iovec* parts, ssize_t size, off_t offset) {
#if defined(__linux__) && defined(RWF_NOWAIT)
  constexpr off_t window = 256 * 1024;
  if (size < window) {
    const ssize_t got = ::preadv2(file, parts, 2, offset, RWF_NOWAIT);
    if (got == size) return got;
    ::posix_fadvise(file, offset / window * window, window, POSIX_FADV_WILLNEED);
  }
#endif
  return ::preadv(file, parts, 2, offset);
}

// Rows that follow each other in a file are fetched as one piece, with the piece after it: several
// threads that read them in turn do not look like one that reads in order.
void fetch_ahead(const Request& request) {
#if defined(__linux__)
  const auto row = static_cast<double>(request.header_bytes + request.row_bytes);
  for (std::size_t first = 0; first < request.count();) {
    std::size_t end = first + 1;
    while (end < request.count() && request.files[end] == request.files[first] &&
           request.offsets[end] >= request.offsets[end - 1] + row &&
           request.offsets[end] < request.offsets[end - 1] + 2 * row) {
      ++end;
    }
    if (end > first + 1) {
      const auto from = static_cast<off_t>(request.offsets[first]);
      const auto span = static_cast<off_t>(request.offsets[end - 1] + row) - from;
      ::posix_fadvise(request.files[first], from, 2 * span, POSIX_FADV_WILLNEED);
    }
    first = end;
  }
#else
  static_cast<void>(request);
#endif
}

bool read_row(const Request& request, std::size_t i, std::uint8_t* header, std::uint8_t* row) {
  iovec parts[] = {{header, request.header_bytes}, {row, request.row_bytes}};
  const auto size = static_cast<ssize_t>(request.header_bytes + request.row_bytes);
  const auto offset = static_cast<off_t>(request.offsets[i]);
  if (read_parts(request.files[i], parts, size, offset) != size) return false;
  const std::uint8_t* expected = request.headers.data() + i * request.header_bytes;
  if (std::memcmp(header, expected, checksum_at) != 0 ||
      std::memcmp(header + checked_from, expected + checked_from,
                  request.header_bytes - checked_from) != 0) {
    return false;
  }
  std::uint32_t stored = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    stored |= static_cast<std::uint32_t>(header[checksum_at + k]) << (8 * k);
  }
  const unsigned long fields =
      crc32(0, header + checked_from, static_cast<unsigned>(request.checked_bytes));
  return crc32(fields, row, static_cast<unsigned>(request.row_bytes)) == stored;
}
#endif

class RowReader final : public PromiseWorker {
 public:
  RowReader(Napi::Env env, Request request, const Napi::Value& target)
      : PromiseWorker(env), request_(std::move(request)), right_(request_.count()) {
    if (!target.IsUndefined()) target_ = Napi::Persistent(target.As<Napi::Object>());
  }

 protected:
  void execute() override {
#if !defined(_WIN32)
    fetch_ahead(request_);
#endif
    const std::size_t parts = (request_.count() + rows_at_once - 1) / rows_at_once;
    const std::size_t threads = std::min<std::size_t>(request_.threads, parts);
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < threads; ++i) {
      // Without a further thread it takes longer.
      try {
        others.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        break;
      }
    }
    work();
    for (std::thread& thread : others) thread.join();
  }

  Napi::Value result(Napi::Env env) override {
    Napi::Uint8Array right = Napi::Uint8Array::New(env, right_.size());
    std::copy(right_.begin(), right_.end(), right.Data());
    return right;
  }

  void finished(Napi::BasicEnv) noexcept override { target_.Reset(); }
  void abort() noexcept override { aborted_ = true; }

 private:
  void work() noexcept {
#if !defined(_WIN32)
    std::vector<std::uint8_t> header(request_.header_bytes);
    std::vector<std::uint8_t> own(request_.target ? 0 : request_.row_bytes);
    for (;;) {
      const std::size_t first = next_.fetch_add(rows_at_once);
      const std::size_t end = std::min(request_.count(), first + rows_at_once);
      if (first >= end || aborted_) return;
      for (std::size_t i = first; i < end; ++i) {
        std::uint8_t* row = request_.target ? request_.target + i * request_.row_bytes : own.data();
        right_[i] = read_row(request_, i, header.data(), row) ? 1 : 0;
      }
    }
#endif
  }

  Request request_;
  Napi::ObjectReference target_;
  std::vector<std::uint8_t> right_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> aborted_{false};
};

}  // namespace

Napi::Value read_checked_rows(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    Request request;
    request.files = read_int32s(info[0], "files");
    request.offsets = read_doubles(info[1], "offsets");
    if (!is_typed_array(info[2], napi_uint8_array)) throw invalid_argument("Expected headers.");
    const auto headers = info[2].As<Napi::Uint8Array>();
    request.headers.assign(headers.Data(), headers.Data() + headers.ElementLength());
    constexpr std::uint64_t most = 0x7FFFFFFF;
    request.header_bytes = read_integer(info[3], "headerBytes", checked_from, 65536);
    request.checked_bytes =
        read_integer(info[4], "checkedBytes", 0, request.header_bytes - checked_from);
    request.row_bytes = read_integer(info[5], "rowBytes", 1, most);
    request.threads = static_cast<unsigned>(read_integer(info[7], "threads", 1, 256));
    const std::size_t count = request.count();
    if (request.offsets.size() != count || request.headers.size() != count * request.header_bytes) {
      throw invalid_argument("The rows have not as many files, offsets and headers.");
    }
    if (!info[6].IsUndefined()) {
      if (!is_typed_array(info[6], napi_uint8_array)) throw invalid_argument("Expected a target.");
      auto target = info[6].As<Napi::Uint8Array>();
      if (target.ElementLength() / request.row_bytes != count ||
          target.ElementLength() % request.row_bytes != 0) {
        throw invalid_argument("The target has not the size of the rows.");
      }
      request.target = target.Data();
    }
    return PromiseWorker::start(
        info.Env(), std::make_unique<RowReader>(info.Env(), std::move(request), info[6]));
  });
}

}  // namespace headstart
