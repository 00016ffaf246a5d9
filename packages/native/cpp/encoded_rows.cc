#include "encoded_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "arguments.h"
#include "head/float16.h"
#include "napi_errors.h"
#include "operation.h"
#include "task_pool.h"

// Of zlib, which Node exports for addons (https://nodejs.org/api/addons.html).
extern "C" unsigned long crc32(unsigned long crc, const unsigned char* data, unsigned int size);

namespace headstart {
namespace {

constexpr std::size_t checksum_at = 4;
constexpr std::size_t checked_from = 8;

struct Encoding {
  const float* numbers = nullptr;
  std::size_t row = 0;
  std::vector<std::uint8_t> headers;
  std::size_t header_bytes = 0;
  std::size_t checked_bytes = 0;
  bool half = false;
  std::uint8_t* target = nullptr;
  std::size_t record_bytes = 0;

  std::size_t count() const { return headers.size() / header_bytes; }
  std::size_t row_bytes() const { return row * (half ? 2 : 4); }

  // The first number that has no finite value; -1 where there is none.
  double run() const {
    for (std::size_t i = 0; i < count(); ++i) {
      std::uint8_t* record = target + i * record_bytes;
      std::memcpy(record, headers.data() + i * header_bytes, header_bytes);
      std::uint8_t* bytes = record + header_bytes;
      const float* from = numbers + i * row;
      const float* bad = std::find_if_not(from, from + row, [&](float value) {
        return half ? fits_float16(value) : std::isfinite(value);
      });
      if (bad != from + row) return static_cast<double>(bad - numbers);
      write(from, bytes);
      std::fill(bytes + row_bytes(), record + record_bytes, std::uint8_t{0});
      const unsigned long fields =
          crc32(0, record + checked_from, static_cast<unsigned>(checked_bytes));
      const unsigned long sum = crc32(fields, bytes, static_cast<unsigned>(row_bytes()));
      for (std::size_t k = 0; k < 4; ++k) {
        record[checksum_at + k] = static_cast<std::uint8_t>(sum >> (8 * k));
      }
    }
    return -1;
  }

 private:
  void write(const float* from, std::uint8_t* bytes) const {
    if (!half) {
      std::memcpy(bytes, from, row_bytes());
      return;
    }
    for (std::size_t k = 0; k < row; ++k) {
      const std::uint16_t bits = to_float16(from[k]);
      std::memcpy(bytes + 2 * k, &bits, 2);
    }
  }
};

class EncodeTask : public Operation {
 public:
  EncodeTask(Napi::Env env, Encoding encoding, Napi::Value numbers, Napi::Value target)
      : Operation(env),
        encoding_(std::move(encoding)),
        numbers_(Napi::Persistent(numbers.As<Napi::Object>())),
        target_(Napi::Persistent(target.As<Napi::Object>())) {}

 protected:
  void execute() override { bad_ = encoding_.run(); }
  Napi::Value result(Napi::Env env) override { return Napi::Number::New(env, bad_); }

 private:
  Encoding encoding_;
  double bad_ = -1;
  Napi::ObjectReference numbers_, target_;
};

}  // namespace

Napi::Value encode_rows(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!is_typed_array(info[0], napi_float32_array) ||
        !is_typed_array(info[1], napi_uint8_array) || !is_typed_array(info[5], napi_uint8_array)) {
      throw invalid_argument("Expected numbers, headers and a target.");
    }
    auto numbers = info[0].As<Napi::Float32Array>();
    const auto headers = info[1].As<Napi::Uint8Array>();
    auto target = info[5].As<Napi::Uint8Array>();
    Encoding encoding;
    encoding.headers.assign(headers.Data(), headers.Data() + headers.ElementLength());
    encoding.header_bytes = read_integer(info[2], "headerBytes", checked_from, 65536);
    encoding.checked_bytes =
        read_integer(info[3], "checkedBytes", 0, encoding.header_bytes - checked_from);
    encoding.half = read_boolean(info[4], "half");
    const std::size_t count = encoding.count();
    if (count == 0 || headers.ElementLength() != count * encoding.header_bytes ||
        numbers.ElementLength() % count != 0 || target.ElementLength() % count != 0) {
      throw invalid_argument("Numbers, headers and target have not as many rows.");
    }
    encoding.numbers = numbers.Data();
    encoding.row = numbers.ElementLength() / count;
    encoding.target = target.Data();
    encoding.record_bytes = target.ElementLength() / count;
    if (encoding.row_bytes() > 0x7FFFFFFF ||
        encoding.record_bytes < encoding.header_bytes + encoding.row_bytes()) {
      throw invalid_argument("The target has not the size of the rows.");
    }
    auto task =
        std::make_unique<EncodeTask>(info.Env(), std::move(encoding), info[0], info[5]);
    // What is encoded makes room for what is decoded.
    return static_cast<TaskPool*>(info.Data())->start(std::move(task), TaskPool::Place::first);
  });
}

}  // namespace headstart
