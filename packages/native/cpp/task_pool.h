// Short operations on threads of its own, as many as the process can keep busy: libuv's pool has four,
// whatever the machine. One pool an environment; its threads start with the first task. The rules are
// those of promise_worker.h, but that the pool's threads stay, and are joined when the environment ends.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "napi_errors.h"
#include "napi_setup.h"

namespace headstart {

class TaskPool {
 public:
  class Task {
   public:
    virtual ~Task() = default;
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

   protected:
    explicit Task(Napi::Env env) : deferred_(env) {}
    // On a thread of the pool: plain data only.
    virtual void execute() = 0;
    // On the JavaScript thread, after execute() ended without an exception.
    virtual Napi::Value result(Napi::Env env) = 0;

   private:
    friend class TaskPool;
    Napi::Promise::Deferred deferred_;
    bool failed_ = false;
    Failure failure_;
  };

  // Lives until the environment ends.
  static TaskPool* make(Napi::Env env);

  // Where in the queue a task waits.
  enum class Place { last, first };

  Napi::Promise start(std::unique_ptr<Task> task, Place place = Place::last);

 private:
  explicit TaskPool(Napi::Env env) : env_(env) {}
  void start_threads();
  void work() noexcept;
  void settle(Task& task);
  void end();
  static void on_done(napi_env env, napi_value callback, void* pool, void* task);

  napi_env env_;
  napi_threadsafe_function done_ = nullptr;
  std::size_t unsettled_ = 0;  // on the JavaScript thread alone
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool ending_ = false;
  std::deque<std::unique_ptr<Task>> waiting_;
  std::vector<std::unique_ptr<Task>> finished_;
  std::vector<std::thread> threads_;
};

}  // namespace headstart
