// One asynchronous operation: a thread of its own, a promise, an abort flag.
//
// Not libuv's pool, which file reads and image decoding need. Rules, each learnt the hard way:
// 1. execute() touches plain data only: everything is copied or shared (shared_ptr) at the call.
// 2. The thread makes exactly one call into Node, the thread-safe function's, as its last act; the
//    JavaScript thread joins it before it releases that function.
// 3. The cleanup hook is added after the thread-safe function, so it runs before the function's
//    own: when the environment ends (worker.terminate(), process.exit()) it aborts and joins, and
//    the operation is gone before Node closes the function. A call that is still queued then comes
//    with a null environment and touches nothing.
// 4. No exception leaves the thread, and none leaves a callback from Node.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "napi_setup.h"
#include "operation.h"

namespace headstart {

class PromiseWorker : public Operation {
 public:
  // Starts the operation; the worker owns itself until the promise is settled.
  static Napi::Promise start(Napi::Env env, std::unique_ptr<PromiseWorker> worker);

 protected:
  explicit PromiseWorker(Napi::Env env) : Operation(env), env_(env) {}

  // On the JavaScript thread, before the promise is settled and when the environment ends.
  virtual void finished(Napi::BasicEnv env) noexcept = 0;
  // Makes execute() end soon.
  virtual void abort() noexcept = 0;

 private:
  static void on_done(napi_env env, napi_value callback, void* context, void* data);
  static void on_environment_end(void* worker);

  napi_env env_;
  napi_threadsafe_function done_ = nullptr;
  std::thread thread_;
};

}  // namespace headstart
