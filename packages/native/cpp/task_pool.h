// Short operations on threads of its own, as many as the process can keep busy: libuv's pool has four,
// whatever the machine. One pool an environment; its threads start with the first operation. The rules
// are those of promise_worker.h, but that the pool's threads stay, and are joined when the environment
// ends.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "napi_setup.h"
#include "operation.h"

namespace headstart {

class TaskPool {
 public:
  // Lives until the environment ends.
  static TaskPool* make(Napi::Env env);

  // Where in the queue an operation waits.
  enum class Place { last, first };

  Napi::Promise start(std::unique_ptr<Operation> operation, Place place = Place::last);

 private:
  explicit TaskPool(Napi::Env env) : env_(env) {}
  void start_threads();
  void work() noexcept;
  void end();
  static void on_done(napi_env env, napi_value callback, void* pool, void* data);

  napi_env env_;
  napi_threadsafe_function done_ = nullptr;
  std::size_t unsettled_ = 0;  // on the JavaScript thread alone
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool ending_ = false;
  std::deque<std::unique_ptr<Operation>> waiting_;
  std::vector<std::unique_ptr<Operation>> finished_;
  std::vector<std::thread> threads_;
};

}  // namespace headstart
