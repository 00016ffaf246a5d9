// Errors on their way to JavaScript: an Error whose `code` is one of those in src/errors.ts.
#pragma once

#include <exception>
#include <new>
#include <string>

#include "head/error.h"
#include "napi_setup.h"

namespace headstart {

// What went wrong, as plain data that may cross threads. An empty code is a bug of this addon.
struct Failure {
  std::string code;
  std::string message;
};

const char* name_of(ErrorCode code);

// The exception being handled now. Call it in a catch block.
Failure current_failure();

Napi::Error to_napi(Napi::Env env, const Failure& failure);

// Runs body; what it throws becomes a JavaScript error.
template <class Body>
auto guarded(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_napi(env, current_failure());
  }
}

}  // namespace headstart
