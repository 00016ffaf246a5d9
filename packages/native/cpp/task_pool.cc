#include "task_pool.h"

#include <system_error>
#include <utility>

#include "cpu/available_threads.h"
#include "napi_errors.h"

namespace headstart {

TaskPool* TaskPool::make(Napi::Env env) {
  auto* pool = new TaskPool(env);
  napi_add_env_cleanup_hook(env, [](void* own) { delete static_cast<TaskPool*>(own); }, pool);
  return pool;
}

Napi::Promise TaskPool::start(std::unique_ptr<Operation> operation, Place place) {
  if (threads_.empty()) start_threads();
  const Napi::Promise promise = operation->promise();
  {
    const std::lock_guard lock(mutex_);
    waiting_.insert(place == Place::first ? waiting_.begin() : waiting_.end(),
                    std::move(operation));
  }
  wakes_.notify_one();
  // The process stays while there is something to do.
  if (unsettled_++ == 0) napi_ref_threadsafe_function(env_, done_);
  return promise;
}

void TaskPool::start_threads() {
  if (done_ == nullptr) {
    const Napi::String name = Napi::String::New(env_, "headstart");
    if (napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                        on_done, &done_) != napi_ok) {
      throw Napi::Error::New(env_);
    }
    napi_unref_threadsafe_function(env_, done_);
    napi_add_env_cleanup_hook(env_, [](void* pool) { static_cast<TaskPool*>(pool)->end(); }, this);
  }
  try {
    const unsigned count = cpu::available_threads();
    while (threads_.size() < count) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    if (!threads_.empty()) return;
    throw Error(ErrorCode::out_of_memory, "The system gives no further thread.");
  }
}

void TaskPool::work() noexcept {
  for (std::unique_lock lock(mutex_);;) {
    wakes_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    std::unique_ptr<Operation> operation = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    operation->attempt();
    lock.lock();
    finished_.push_back(std::move(operation));
    // What has finished meanwhile is settled by the same call.
    if (finished_.size() == 1) napi_call_threadsafe_function(done_, nullptr, napi_tsfn_nonblocking);
  }
}

void TaskPool::on_done(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;
  auto& pool = *static_cast<TaskPool*>(context);
  std::vector<std::unique_ptr<Operation>> finished;
  {
    const std::lock_guard lock(pool.mutex_);
    finished.swap(pool.finished_);
  }
  pool.unsettled_ -= finished.size();
  if (pool.unsettled_ == 0) napi_unref_threadsafe_function(env, pool.done_);
  for (const std::unique_ptr<Operation>& operation : finished) operation->settle(env);
}

void TaskPool::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wakes_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  waiting_.clear();
  finished_.clear();
}

}  // namespace headstart
