// Plain JPEG files by libjpeg-turbo, where it was found when this was compiled and is there when it
// runs: the bits that libvips gives, which decodes with the same arithmetic (the accurate integer DCT
// and smooth chroma), for less than half of the time.
//
// Only what has one meaning is decoded: 8 bits, gray or YCbCr with the usual sampling, one scan, no
// rotation, no colour profile but the given ones, and nothing that libjpeg warns of. Everything else
// is left to libvips, whose word counts about damaged and odd files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "image/resample.h"

namespace headstart::image {

// Whether decode_jpeg() can do anything.
bool can_decode_jpeg();

constexpr std::size_t least_jpeg_bytes = 4;

// By its first bytes.
inline bool may_be_jpeg(const std::uint8_t* bytes, std::size_t length) {
  return length >= least_jpeg_bytes && bytes[0] == 0xFF && bytes[1] == 0xD8;
}

struct JpegLimits {
  // Larger pictures are left alone.
  std::size_t max_pixels = 0;
  // And those whose sides both have this length: they are made smaller while they are decoded.
  std::size_t reduced_from = 0;
  // Whether an embedded RGB profile (its bytes) may be ignored.
  std::function<bool(const std::uint8_t*, std::size_t)> ignores_profile;
};

// Makes room for a picture, to be filled with RGB, [height, width, 3]. Null: it is left alone after all.
using JpegTarget = std::function<std::uint8_t*(Size)>;

// False where the file is left alone: what is in the target is then arbitrary.
bool decode_jpeg(const std::uint8_t* bytes, std::size_t length, const JpegLimits& limits,
                 const JpegTarget& target);

}  // namespace headstart::image
