#pragma once

#include "napi_setup.h"
#include "task_pool.h"

namespace headstart {

// renderViews, renderViewsNow and renderJpeg; see NativeModule in src/native-module.ts.
void define_image_functions(Napi::Env env, Napi::Object exports, TaskPool* pool);

}  // namespace headstart
