// The one kind of error that is thrown on purpose; its code reaches JavaScript as it is.
#pragma once

#include <atomic>
#include <stdexcept>
#include <string>

namespace headstart {

enum class ErrorCode {
  invalid_argument,
  disposed,
  busy,
  aborted,
  out_of_memory,
  device_unavailable,
  device_failed,
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

inline Error invalid_argument(const std::string& message) {
  return Error(ErrorCode::invalid_argument, message);
}

// Between two steps of a long operation.
inline void end_if(const std::atomic<bool>& abort) {
  if (abort.load(std::memory_order_relaxed)) {
    throw Error(ErrorCode::aborted, "The operation was aborted.");
  }
}

}  // namespace headstart
