#include "napi_errors.h"

namespace headstart {

const char* name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "INVALID_ARGUMENT";
    case ErrorCode::disposed:
      return "DISPOSED";
    case ErrorCode::busy:
      return "BUSY";
    case ErrorCode::aborted:
      return "ABORTED";
    case ErrorCode::out_of_memory:
      return "OUT_OF_MEMORY";
    case ErrorCode::device_unavailable:
      return "DEVICE_UNAVAILABLE";
    case ErrorCode::device_failed:
      return "DEVICE_FAILED";
  }
  return "";
}

Failure current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return {name_of(error.code()), error.what()};
  } catch (const std::bad_alloc&) {
    return {name_of(ErrorCode::out_of_memory),
            "There is not enough memory: use a smaller head or a smaller batchSize."};
  } catch (const std::exception& error) {
    return {"", error.what()};
  } catch (...) {
    return {"", "Unknown failure in the native addon."};
  }
}

Napi::Error to_napi(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.message);
  if (!failure.code.empty()) error.Set("code", Napi::String::New(env, failure.code));
  return error;
}

}  // namespace headstart
