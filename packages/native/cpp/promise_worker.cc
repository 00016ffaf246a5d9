#include "promise_worker.h"

#include <system_error>

#include "napi_errors.h"

namespace headstart {

Napi::Promise PromiseWorker::start(Napi::Env env, std::unique_ptr<PromiseWorker> worker) {
  PromiseWorker* self = worker.get();
  const Napi::Promise promise = self->promise();
  const Napi::String name = Napi::String::New(env, "headstart");
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, self,
                                      on_done, &self->done_) != napi_ok) {
    self->finished(env);
    throw Napi::Error::New(env);
  }
  napi_add_env_cleanup_hook(env, on_environment_end, self);
  try {
    self->thread_ = std::thread([self] {
      self->attempt();
      napi_call_threadsafe_function(self->done_, nullptr, napi_tsfn_nonblocking);
    });
  } catch (const std::system_error&) {
    napi_remove_env_cleanup_hook(env, on_environment_end, self);
    napi_release_threadsafe_function(self->done_, napi_tsfn_abort);
    self->finished(env);
    throw Error(ErrorCode::out_of_memory, "The system gives no further thread.");
  }
  worker.release();
  return promise;
}

void PromiseWorker::on_done(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;
  const std::unique_ptr<PromiseWorker> self(static_cast<PromiseWorker*>(context));
  self->thread_.join();
  napi_remove_env_cleanup_hook(env, on_environment_end, self.get());
  napi_release_threadsafe_function(self->done_, napi_tsfn_release);
  self->finished(Napi::BasicEnv(env));
  self->settle(env);
}

void PromiseWorker::on_environment_end(void* worker) {
  const std::unique_ptr<PromiseWorker> self(static_cast<PromiseWorker*>(worker));
  self->abort();
  self->thread_.join();
  self->finished(Napi::BasicEnv(self->env_));
}

}  // namespace headstart
