#pragma once

#include "napi_setup.h"

namespace headstart {

// renderJpeg: see src/render-jpeg.ts. The function's data is a TaskPool.
Napi::Value render_jpeg(const Napi::CallbackInfo& info);

}  // namespace headstart
