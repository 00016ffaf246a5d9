#pragma once

#include "napi_setup.h"

namespace headstart {

// renderViews and renderViewsNow; see NativeModule in src/native-module.ts.
void define_image_functions(Napi::Env env, Napi::Object exports);

}  // namespace headstart
