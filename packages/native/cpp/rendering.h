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
  // Of the resampled part, and what of it is seen in a view, at `top` and `left`.
  image::Size scaled{};
  image::Box window{};
  std::size_t top = 0;
  std::size_t left = 0;
  std::vector<image::View> views;
  std::uint8_t* target = nullptr;

  // Each view [size.height, size.width, 3], one after another.
  void run() const;
};

// All but the picture: pixels, source and part.
Rendering read_views_of_picture(const Napi::Object& job);
Rendering read_rendering(const Napi::Object& job);

}  // namespace headstart
