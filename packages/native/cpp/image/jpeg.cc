#include "image/jpeg.h"

#if defined(HEADSTART_LIBJPEG)

#include <dlfcn.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

namespace headstart::image {
namespace {

// The functions of the library. It is not linked: an addon may run where there is none.
struct Library {
  decltype(&::jpeg_std_error) std_error;
  decltype(&::jpeg_CreateDecompress) create;
  decltype(&::jpeg_destroy_decompress) destroy;
  decltype(&::jpeg_mem_src) mem_src;
  decltype(&::jpeg_save_markers) save_markers;
  decltype(&::jpeg_read_header) read_header;
  decltype(&::jpeg_start_decompress) start;
  decltype(&::jpeg_read_scanlines) read_scanlines;
  decltype(&::jpeg_finish_decompress) finish;
  bool complete = false;

  Library() {
    void* handle = nullptr;
    for (const char* name : {HEADSTART_LIBJPEG}) {
      if (handle == nullptr) handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    }
    // Other libraries of this name smooth chroma in another way.
    if (handle == nullptr || ::dlsym(handle, "jpeg_crop_scanline") == nullptr) return;
    complete = true;
    const auto find = [&](auto& function, const char* name) {
      void* address = ::dlsym(handle, name);
      std::memcpy(&function, &address, sizeof address);
      complete = complete && address != nullptr;
    };
    find(std_error, "jpeg_std_error");
    find(create, "jpeg_CreateDecompress");
    find(destroy, "jpeg_destroy_decompress");
    find(mem_src, "jpeg_mem_src");
    find(save_markers, "jpeg_save_markers");
    find(read_header, "jpeg_read_header");
    find(start, "jpeg_start_decompress");
    find(read_scanlines, "jpeg_read_scanlines");
    find(finish, "jpeg_finish_decompress");
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

struct Errors {
  jpeg_error_mgr manager;
  std::jmp_buf leave;
};

[[noreturn]] void leave(j_common_ptr info) {
  std::longjmp(reinterpret_cast<Errors*>(info->err)->leave, 1);
}

void count_warning(j_common_ptr info, int level) {
  if (level < 0) ++info->err->num_warnings;
}

void say_nothing(j_common_ptr) {}

constexpr int exif_marker = JPEG_APP0 + 1, profile_marker = JPEG_APP0 + 2;
constexpr std::uint8_t exif_mark[] = {'E', 'x', 'i', 'f', 0, 0};
// A zero follows, which libvips does not look for.
constexpr std::uint8_t profile_mark[] = {'I', 'C', 'C', '_', 'P', 'R', 'O', 'F', 'I', 'L', 'E'};
// After the zero, the segment's number and how many there are.
constexpr std::uint8_t whole_profile[] = {0, 1, 1};
constexpr std::size_t profile_at = sizeof profile_mark + sizeof whole_profile;

template <std::size_t N>
bool begins_with(const jpeg_marker_struct& marker, const std::uint8_t (&mark)[N]) {
  return marker.data_length >= N && std::memcmp(marker.data, mark, N) == 0;
}

// Whether EXIF data (TIFF 6.0, section 2) says nothing of a rotation, or that there is none.
bool is_upright(const std::uint8_t* tiff, std::size_t length) {
  if (length < 8 || (tiff[0] != 'I' && tiff[0] != 'M')) return false;
  const bool little = tiff[0] == 'I';
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      value = value << 8 | tiff[at + (little ? bytes - 1 - i : i)];
    }
    return value;
  };
  const std::size_t directory = number(4, 4);
  if (directory > length - 2) return false;
  const std::size_t count = number(directory, 2);
  if (count > (length - directory - 2) / 12) return false;
  for (std::size_t i = 0; i < count; ++i) {
    constexpr std::size_t orientation = 0x0112, type_short = 3;
    const std::size_t entry = directory + 2 + 12 * i;
    if (number(entry, 2) != orientation) continue;
    const bool is_one = number(entry + 2, 2) == type_short && number(entry + 4, 4) == 1 &&
                        number(entry + 8, 2) == 1;
    if (!is_one) return false;
  }
  return true;
}

bool has_plain_markers(const jpeg_decompress_struct& info, const JpegLimits& limits) {
  int profiles = 0;
  for (const jpeg_marker_struct* marker = info.marker_list; marker; marker = marker->next) {
    constexpr std::size_t exif_at = sizeof exif_mark;
    if (marker->marker == exif_marker && begins_with(*marker, exif_mark) &&
        !is_upright(marker->data + exif_at, marker->data_length - exif_at)) {
      return false;
    }
    if (marker->marker != profile_marker || !begins_with(*marker, profile_mark)) continue;
    const bool is_whole =
        marker->data_length > profile_at &&
        std::memcmp(marker->data + sizeof profile_mark, whole_profile, sizeof whole_profile) == 0;
    if (++profiles > 1 || !is_whole || info.num_components != 3 ||
        !limits.ignores_profile(marker->data + profile_at, marker->data_length - profile_at)) {
      return false;
    }
  }
  return true;
}

// Libraries of different versions enlarge chroma that is sampled in other ways differently.
bool has_plain_colours(const jpeg_decompress_struct& info) {
  const jpeg_component_info* parts = info.comp_info;
  if (info.num_components == 1) return info.jpeg_color_space == JCS_GRAYSCALE;
  if (info.num_components != 3 || info.jpeg_color_space != JCS_YCbCr) return false;
  const int across = parts[0].h_samp_factor, down = parts[0].v_samp_factor;
  const bool usual = (across == 1 && down == 1) || (across == 2 && (down == 1 || down == 2));
  for (int i = 1; i < 3; ++i) {
    if (parts[i].h_samp_factor != 1 || parts[i].v_samp_factor != 1) return false;
  }
  return usual;
}

bool decode(jpeg_decompress_struct& info, const JpegLimits& limits, const JpegTarget& target) {
  const Library& jpeg = library();
  jpeg.save_markers(&info, exif_marker, 0xFFFF);
  jpeg.save_markers(&info, profile_marker, 0xFFFF);
  if (jpeg.read_header(&info, TRUE) != JPEG_HEADER_OK) return false;
  const Size size{info.image_height, info.image_width};
  // Several scans: those of a progressive file, of which some may be missing. Lossless files, which
  // libjpeg-turbo 3 decodes and libvips does not, have no spectral selection.
  if (info.data_precision != 8 || info.progressive_mode || info.arith_code ||
      info.Se != DCTSIZE2 - 1 || info.comps_in_scan != info.num_components ||
      size.height * size.width > limits.max_pixels ||
      std::min(size.height, size.width) >= limits.reduced_from || !has_plain_colours(info) ||
      !has_plain_markers(info, limits)) {
    return false;
  }
  std::uint8_t* const pixels = target(size);
  if (pixels == nullptr) return false;
  info.out_color_space = JCS_RGB;
  if (!jpeg.start(&info)) return false;
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels + 3 * size.width * info.output_scanline;
    if (jpeg.read_scanlines(&info, &row, 1) != 1) return false;
  }
  return jpeg.finish(&info) && info.err->num_warnings == 0;
}

}  // namespace

bool can_decode_jpeg() { return library().complete; }

bool decode_jpeg(const std::uint8_t* bytes, std::size_t length, const JpegLimits& limits,
                 const JpegTarget& target) {
  const Library& jpeg = library();
  if (!jpeg.complete || !may_be_jpeg(bytes, length)) return false;
  jpeg_decompress_struct info;
  Errors errors;
  std::memset(&info, 0, sizeof info);
  info.err = jpeg.std_error(&errors.manager);
  errors.manager.error_exit = leave;
  errors.manager.emit_message = count_warning;
  errors.manager.output_message = say_nothing;
  volatile bool decoded = false;
  try {
    // libjpeg leaves by longjmp: between its calls and here nothing has a destructor.
    if (setjmp(errors.leave) == 0) {
      jpeg.create(&info, JPEG_LIB_VERSION, sizeof info);
      jpeg.mem_src(&info, const_cast<unsigned char*>(bytes), static_cast<unsigned long>(length));
      decoded = decode(info, limits, target);
    }
  } catch (...) {
    jpeg.destroy(&info);
    throw;
  }
  if (info.mem != nullptr) jpeg.destroy(&info);
  return decoded;
}

}  // namespace headstart::image

#else

namespace headstart::image {

bool can_decode_jpeg() { return false; }

bool decode_jpeg(const std::uint8_t*, std::size_t, const JpegLimits&, const JpegTarget&) {
  return false;
}

}  // namespace headstart::image

#endif
