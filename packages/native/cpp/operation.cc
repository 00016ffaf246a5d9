#include "operation.h"

namespace headstart {

void Operation::attempt() noexcept {
  try {
    execute();
  } catch (...) {
    failure_ = current_failure();
  }
}

void Operation::settle(Napi::Env env) noexcept {
  try {
    const Napi::HandleScope scope(env);
    if (!failure_) {
      try {
        deferred_.Resolve(result(env));
        return;
      } catch (const Napi::Error& error) {
        deferred_.Reject(error.Value());
        return;
      } catch (...) {
        failure_ = current_failure();
      }
    }
    deferred_.Reject(to_napi(env, *failure_).Value());
  } catch (...) {
    // JavaScript can no longer run here: a worker is being terminated.
  }
}

}  // namespace headstart
