// What is done off the JavaScript thread, and the promise of its result.
#pragma once

#include <optional>

#include "napi_errors.h"
#include "napi_setup.h"

namespace headstart {

class Operation {
 public:
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  Napi::Promise promise() const { return deferred_.Promise(); }

  // On another thread: runs execute(), and keeps its exception.
  void attempt() noexcept;

  // On the JavaScript thread, after attempt().
  void settle(Napi::Env env) noexcept;

 protected:
  explicit Operation(Napi::Env env) : deferred_(env) {}
  // Touches plain data only.
  virtual void execute() = 0;
  // On the JavaScript thread, after execute() ended without an exception.
  virtual Napi::Value result(Napi::Env env) = 0;

 private:
  Napi::Promise::Deferred deferred_;
  std::optional<Failure> failure_;
};

}  // namespace headstart
