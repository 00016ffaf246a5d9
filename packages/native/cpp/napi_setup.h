// The only include of napi.h: its defines must be the same in every file.
//
// CPP_EXCEPTIONS_ALL turns std:: exceptions into JavaScript errors instead of aborting.
// SWALLOW_UNTHROWABLE keeps a worker's termination from ending the process. Basic finalizers and no
// external buffers make the addon safe for Electron's memory cage.
#pragma once

#define NAPI_VERSION 9
#define NODE_ADDON_API_CPP_EXCEPTIONS_ALL
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#define NODE_ADDON_API_DISABLE_DEPRECATED
#define NODE_ADDON_API_REQUIRE_BASIC_FINALIZERS
#define NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED

#include <napi.h>
