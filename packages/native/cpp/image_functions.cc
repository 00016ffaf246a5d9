#include "image_functions.h"

#include <utility>

#include "arguments.h"
#include "image/jpeg.h"
#include "jpeg_task.h"
#include "napi_errors.h"
#include "rendering.h"
#include "task_pool.h"

namespace headstart {
namespace {

class RenderWorker : public Napi::AsyncWorker {
 public:
  RenderWorker(Napi::Env env, Rendering rendering, Napi::Value pixels, Napi::Value target)
      : AsyncWorker(env, "headstart"),
        deferred_(env),
        rendering_(std::move(rendering)),
        pixels_(Napi::Persistent(pixels.As<Napi::Object>())),
        target_(Napi::Persistent(target.As<Napi::Object>())) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { rendering_.run(); }
  void OnOK() override { deferred_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Rendering rendering_;
  Napi::ObjectReference pixels_, target_;
};

Napi::Value render_views(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object job = read_object(info[0], "rendering");
    auto* worker =
        new RenderWorker(info.Env(), read_rendering(job), job.Get("pixels"), job.Get("target"));
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  });
}

void render_views_now(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { read_rendering(read_object(info[0], "rendering")).run(); });
}

}  // namespace

void define_image_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("renderViews", Napi::Function::New<render_views>(env, "renderViews"));
  exports.Set("renderViewsNow",
              Napi::Function::New<render_views_now>(env, "renderViewsNow"));
  exports.Set("canRenderJpeg", Napi::Boolean::New(env, image::can_decode_jpeg()));
  exports.Set("renderJpeg", Napi::Function::New<render_jpeg>(env, "renderJpeg", TaskPool::make(env)));
}

}  // namespace headstart
