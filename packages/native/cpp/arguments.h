// Reading arguments: cheap checks again, as JavaScript may call the addon around its wrapper.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "head/error.h"
#include "head/spec.h"
#include "napi_setup.h"

namespace headstart {

// An integer in min … max (at most 2^53 - 1).
std::uint64_t read_integer(const Napi::Value& value, const char* name, std::uint64_t min,
                           std::uint64_t max);
double read_finite(const Napi::Value& value, const char* name);
std::string read_string(const Napi::Value& value, const char* name);
bool read_boolean(const Napi::Value& value, const char* name);
Napi::Object read_object(const Napi::Value& value, const char* name);
Napi::Array read_array(const Napi::Value& value, const char* name);
// Copies; exactly the array type that is named.
std::vector<float> read_floats(const Napi::Value& value, const char* name);
std::vector<double> read_doubles(const Napi::Value& value, const char* name);
std::vector<std::int32_t> read_int32s(const Napi::Value& value, const char* name);
// Of a Uint8Array, not copied: who uses them later holds the array.
std::span<std::uint8_t> read_bytes(const Napi::Value& value, const char* name);
// One side of a shape.
std::size_t read_side(const Napi::Value& value, const char* name);

bool is_typed_array(const Napi::Value& value, napi_typedarray_type type);

}  // namespace headstart
