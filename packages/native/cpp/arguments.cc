#include "arguments.h"

#include <cmath>

namespace headstart {
namespace {

Error wrong(const char* name, const std::string& expected) {
  return invalid_argument("Expected " + expected + " for " + name + ".");
}

template <class Array, class T>
std::vector<T> copy(const Napi::Value& value, const char* name, napi_typedarray_type type,
                    const char* expected) {
  if (!is_typed_array(value, type)) throw wrong(name, expected);
  const Array array = value.As<Array>();
  return std::vector<T>(array.Data(), array.Data() + array.ElementLength());
}

}  // namespace

std::uint64_t read_integer(const Napi::Value& value, const char* name, std::uint64_t min,
                           std::uint64_t max) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1.0;
  if (!(number >= static_cast<double>(min) && number <= static_cast<double>(max)) ||
      std::floor(number) != number) {
    throw wrong(name, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return static_cast<std::uint64_t>(number);
}

double read_finite(const Napi::Value& value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!std::isfinite(number)) throw wrong(name, "a finite number");
  return number;
}

std::string read_string(const Napi::Value& value, const char* name) {
  if (!value.IsString()) throw wrong(name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

bool read_boolean(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) throw wrong(name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

Napi::Object read_object(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) throw wrong(name, "an object");
  return value.As<Napi::Object>();
}

Napi::Array read_array(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) throw wrong(name, "an array");
  return value.As<Napi::Array>();
}

std::vector<float> read_floats(const Napi::Value& value, const char* name) {
  return copy<Napi::Float32Array, float>(value, name, napi_float32_array, "a Float32Array");
}

std::vector<double> read_doubles(const Napi::Value& value, const char* name) {
  return copy<Napi::Float64Array, double>(value, name, napi_float64_array, "a Float64Array");
}

std::vector<std::int32_t> read_int32s(const Napi::Value& value, const char* name) {
  return copy<Napi::Int32Array, std::int32_t>(value, name, napi_int32_array, "an Int32Array");
}

std::span<std::uint8_t> read_bytes(const Napi::Value& value, const char* name) {
  if (!is_typed_array(value, napi_uint8_array)) throw wrong(name, "a Uint8Array");
  auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ElementLength()};
}

std::size_t read_side(const Napi::Value& value, const char* name) {
  return read_integer(value, name, 1, std::uint64_t{1} << 31);
}

bool is_typed_array(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

}  // namespace headstart
