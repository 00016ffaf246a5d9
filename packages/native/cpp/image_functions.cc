#include "image_functions.h"

#include <memory>

#include "arguments.h"
#include "image/jpeg.h"
#include "jpeg_task.h"
#include "napi_errors.h"
#include "operation.h"
#include "rendering.h"
#include "task_pool.h"

namespace headstart {
namespace {

class RenderTask : public Operation {
 public:
  RenderTask(Napi::Env env, const Napi::Object& job)
      : Operation(env),
        rendering_(read_rendering(job)),
        pixels_(Napi::Persistent(job.Get("pixels").As<Napi::Object>())),
        target_(Napi::Persistent(job.Get("target").As<Napi::Object>())) {}

 protected:
  void execute() override { rendering_.run(); }
  Napi::Value result(Napi::Env env) override { return env.Undefined(); }

 private:
  Rendering rendering_;
  Napi::ObjectReference pixels_, target_;
};

Napi::Value render_views(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object job = read_object(info[0], "rendering");
    auto task = std::make_unique<RenderTask>(info.Env(), job);
    return static_cast<TaskPool*>(info.Data())->start(std::move(task), TaskPool::Place::first);
  });
}

void render_views_now(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { read_rendering(read_object(info[0], "rendering")).run(); });
}

}  // namespace

void define_image_functions(Napi::Env env, Napi::Object exports, TaskPool* pool) {
  exports.Set("renderViews", Napi::Function::New<render_views>(env, "renderViews", pool));
  exports.Set("renderViewsNow",
              Napi::Function::New<render_views_now>(env, "renderViewsNow"));
  exports.Set("canRenderJpeg", Napi::Boolean::New(env, image::can_decode_jpeg()));
  exports.Set("renderJpeg", Napi::Function::New<render_jpeg>(env, "renderJpeg", pool));
}

}  // namespace headstart
