// A picture and what is made of it: views of one size.
#pragma once

#include <cstdint>
#include <vector>

#include "image/resample.h"
#include "image/views.h"
#include "napi_setup.h"

namespace headstart {

// Plain data; who has one holds the arrays until it is done.
struct Rendering {
  const std::uint8_t* pixels = nullptr;
  image::Size source{};
  image::Box part{};
  image::Filter filter{};
  image::Size size{};
  image::Box placed{};
  std::vector<image::View> views;
  std::uint8_t* target = nullptr;

  // Each view [size.height, size.width, 3], one after another.
  void run() const;
};

// All but the picture: pixels, source and part.
Rendering read_views_of_picture(const Napi::Object& job);
Rendering read_rendering(const Napi::Object& job);

}  // namespace headstart
