#include "cpu/winograd_product.h"

#include <array>

namespace headstart::cpu {
namespace {

// Input channels whose points are held at once.
constexpr std::size_t block_channels = 256;
// Tiles of one task at most: their points of a block and the kernel's share the second-level cache.
constexpr std::size_t task_tiles = 56;
// Pointers gathered for one call of a kernel.
constexpr std::size_t gathered = 256;

// Samples lie far apart in the store, so the processor does not foresee what comes next.
void fetch_pixels(const float* row, std::size_t pixels, std::size_t stride, std::size_t channels) {
  constexpr std::size_t cache_line = 16;
  for (std::size_t x = 0; x < pixels; ++x) {
    for (std::size_t c = 0; c < channels; c += cache_line) {
      __builtin_prefetch(row + x * stride + c);
    }
  }
}

}  // namespace

double winograd_share(const Shape& map) {
  return static_cast<double>(Tiles::points * Tiles(map).across) /
         static_cast<double>(3 * map.width - 2);
}

void map_input(const Kernels& kernels, const Tiles& tiles, std::span<const float* const> samples,
               std::size_t stride, std::size_t channel, std::size_t channels, const float* zeros,
               float* points, std::size_t row_floats) {
  const std::size_t point = point_stride(samples.size() * tiles.per_sample(), row_floats);
  float* to = points;
  for (std::size_t s = 0; s < samples.size(); ++s) {
    const float* next = samples[std::min(s + 1, samples.size() - 1)];
    for (std::size_t y = 0; y < tiles.height; ++y) {
      const std::size_t line = y * tiles.width * stride + channel;
      const float* row = samples[s] + line;
      fetch_pixels(next + line, tiles.width, stride, channels);
      for (std::size_t t = 0; t < tiles.across; ++t, to += row_floats) {
        const float* in[Tiles::points];
        float* out[Tiles::points];
        for (std::size_t i = 0; i < Tiles::points; ++i) {
          // Pixel 4 t + i - 1, if it is there.
          const std::size_t x = Tiles::pixels * t + i;
          in[i] = x >= 1 && x <= tiles.width ? row + (x - 1) * stride : zeros;
          out[i] = to + i * point;
        }
        kernels.winograd.input(in, out, channels);
      }
    }
  }
}

WinogradProduct::WinogradProduct(const Shape& map, std::size_t inputs, std::size_t filters)
    : map_(map), tiles_(map), inputs_(inputs), filters_(filters) {}

void WinogradProduct::run(const Compute& compute, const float* kernel,
                          std::span<const float* const> x, const float* bias, float* y) {
  map_kernel(compute, kernel);
  const std::size_t threads = compute.pool.threads();
  const std::size_t most = std::max(task_tiles / tiles_.per_sample(), std::size_t{1});
  const std::size_t tasks = round_up(ceil_div(x.size(), most), threads);
  const std::size_t samples = ceil_div(x.size(), tasks);
  const std::size_t channels = std::min(block_channels, inputs_);
  const std::size_t tiles = samples * tiles_.per_sample();
  const std::size_t widest = std::max(channels, filters_);
  scratch_.require(compute.pool.threads(),
                   Tiles::points * (point_stride(tiles, channels) + point_stride(tiles, filters_)) +
                       widest);
  compute.pool.run(ceil_div(x.size(), samples), [&](std::size_t task, unsigned worker) {
    const std::size_t begin = task * samples;
    const auto part = x.subspan(begin, std::min(samples, x.size() - begin));
    const std::size_t rows = part.size() * tiles_.per_sample();
    float* points = scratch_.of(worker);
    float* sums = points + Tiles::points * point_stride(rows, channels);
    float* spare = sums + Tiles::points * point_stride(rows, filters_);
    std::fill(sums, spare + widest, 0.0f);
    for (std::size_t channel = 0; channel < inputs_; channel += block_channels) {
      const std::size_t count = std::min(block_channels, inputs_ - channel);
      map_input(compute.kernels, tiles_, part, inputs_, channel, count, spare, points, count);
      add_products(compute, part.size(), channel, count, points, sums);
    }
    map_output(compute, part.size(), sums, bias, spare, y + begin * map_.pixels() * filters_);
  });
}

void WinogradProduct::map_kernel(const Compute& compute, const float* kernel) {
  constexpr std::size_t task_floats = 4096;
  const std::size_t size = inputs_ * filters_;
  float* points = kernel_points_.require(Tiles::kernel_rows * Tiles::points * size);
  const std::size_t parts = ceil_div(size, task_floats);
  compute.pool.run(Tiles::kernel_rows * parts, [&](std::size_t task) {
    const std::size_t row = task / parts;
    const std::size_t begin = task % parts * task_floats;
    const float* in[3];
    float* out[Tiles::points];
    for (std::size_t i = 0; i < 3; ++i) in[i] = kernel + (row * 3 + i) * size + begin;
    for (std::size_t i = 0; i < Tiles::points; ++i) {
      out[i] = points + (row * Tiles::points + i) * size + begin;
    }
    compute.kernels.winograd.kernel(in, out, std::min(task_floats, size - begin));
  });
  right_.prepare(compute, points, Tiles::kernel_rows * Tiles::points, inputs_, filters_);
}

// sums [6, samples, H, T, filters] += the products of points [6, samples, H, T, channels].
void WinogradProduct::add_products(const Compute& compute, std::size_t samples,
                                   std::size_t channel, std::size_t channels, const float* points,
                                   float* sums) const {
  const std::size_t rows = samples * tiles_.per_sample();
  std::array<const Word*, gathered> from;
  std::array<float*, gathered> to;
  for (std::size_t point = 0; point < Tiles::points; ++point) {
    for (std::size_t dy = 0; dy < Tiles::kernel_rows; ++dy) {
      const std::size_t group = dy * Tiles::points + point;
      std::size_t count = 0;
      const auto flush = [&] {
        for (std::size_t p = 0; p < right_.panels(); ++p) {
          compute.products.rows({from.data(), to.data(), count, right_.at(p, group, channel),
                                 right_.ldb(), channels, right_.columns(p)});
          for (std::size_t i = 0; i < count; ++i) to[i] += right_.width();
        }
        count = 0;
      };
      for (std::size_t s = 0; s < samples; ++s) {
        for (std::size_t y = 0; y < tiles_.height; ++y) {
          if (y + dy < 1 || y + dy > tiles_.height) continue;
          const std::size_t row = (s * tiles_.height + y) * tiles_.across;
          const std::size_t seen = (s * tiles_.height + y + dy - 1) * tiles_.across;
          for (std::size_t t = 0; t < tiles_.across; ++t) {
            from[count] = points + point * point_stride(rows, channels) + (seen + t) * channels;
            to[count] = sums + point * point_stride(rows, filters_) + (row + t) * filters_;
            if (++count == gathered) flush();
          }
        }
      }
      if (count > 0) flush();
    }
  }
}

// Pixels that hang over the edge go to spare [filters].
void WinogradProduct::map_output(const Compute& compute, std::size_t samples, const float* sums,
                                 const float* bias, float* spare, float* y) const {
  const std::size_t rows = samples * tiles_.per_sample();
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t line = row / tiles_.across;
    const std::size_t first = row % tiles_.across * Tiles::pixels;
    const float* in[Tiles::points];
    float* out[Tiles::pixels];
    for (std::size_t i = 0; i < Tiles::points; ++i) {
      in[i] = sums + i * point_stride(rows, filters_) + row * filters_;
    }
    for (std::size_t i = 0; i < Tiles::pixels; ++i) {
      const std::size_t x = first + i;
      out[i] = x < tiles_.width ? y + (line * tiles_.width + x) * filters_ : spare;
    }
    compute.kernels.winograd.output(in, out, filters_);
    if (!bias) continue;
    for (std::size_t i = 0; i < Tiles::pixels && first + i < tiles_.width; ++i) {
      for (std::size_t f = 0; f < filters_; ++f) out[i][f] += bias[f];
    }
  }
}

}  // namespace headstart::cpu
