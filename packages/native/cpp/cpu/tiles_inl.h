// The transforms of conv_stack.h; see vectors_inl.h.
#pragma once

#include "cpu/winograd_inl.h"

namespace headstart::cpu {
namespace {

constexpr std::size_t tile_side = InputMap::ins;      // pixels that are seen, and points, each way
constexpr std::size_t tile_pixels = OutputMap::outs;  // pixels that are made, each way

inline Vector larger(Vector x, Vector y) { return x > y ? x : y; }

void tile_input(const float* const* in, float* out, std::size_t point, std::size_t channels) {
  for (std::size_t c = 0; c < channels; c += lanes) {
    Vector lines[tile_side][tile_side];
    for (std::size_t x = 0; x < tile_side; ++x) {
      Vector from[tile_side];
      Vector to[tile_side];
      for (std::size_t y = 0; y < tile_side; ++y) from[y] = load(in[y * tile_side + x] + c);
      InputMap::apply(from, to);
      for (std::size_t y = 0; y < tile_side; ++y) lines[y][x] = to[y];
    }
    for (std::size_t y = 0; y < tile_side; ++y) {
      Vector to[tile_side];
      InputMap::apply(lines[y], to);
      for (std::size_t x = 0; x < tile_side; ++x)
        store(out + (y * tile_side + x) * point + c, to[x]);
    }
  }
}

// Pixels [tile_pixels, tile_pixels] of one vector of channels, after bias and ReLU.
inline void tile_pixels_at(const TileOutput& tile, std::size_t c,
                           Vector (&pixels)[tile_pixels][tile_pixels]) {
  Vector lines[tile_pixels][tile_side];
  for (std::size_t x = 0; x < tile_side; ++x) {
    Vector from[tile_side];
    Vector to[tile_pixels];
    for (std::size_t y = 0; y < tile_side; ++y) {
      from[y] = load(tile.sums + (y * tile_side + x) * tile.point + c);
    }
    OutputMap::apply(from, to);
    for (std::size_t y = 0; y < tile_pixels; ++y) lines[y][x] = to[y];
  }
  const Vector bias = load(tile.bias + c);
  for (std::size_t y = 0; y < tile_pixels; ++y) {
    OutputMap::apply(lines[y], pixels[y]);
    for (Vector& pixel : pixels[y]) pixel = larger(pixel + bias, Vector{});
  }
}

void tile_output(const TileOutput& tile) {
  for (std::size_t c = 0; c < tile.channels; c += lanes) {
    Vector pixels[tile_pixels][tile_pixels];
    tile_pixels_at(tile, c, pixels);
    float* const* out = tile.out;
    if (!tile.pool) {
      for (const auto& line : pixels) {
        for (const Vector& pixel : line) store(*out++ + c, pixel);
      }
      continue;
    }
    for (std::size_t y = 0; y < tile_pixels; y += 2) {
      for (std::size_t x = 0; x < tile_pixels; x += 2) {
        store(*out++ + c, larger(larger(pixels[y][x], pixels[y][x + 1]),
                                 larger(pixels[y + 1][x], pixels[y + 1][x + 1])));
      }
    }
  }
}

void bias_relu(float* rows, std::size_t count, const float* bias, std::size_t channels) {
  for (std::size_t i = 0; i < count; ++i, rows += channels) {
    for (std::size_t c = 0; c < channels; c += lanes) {
      store(rows + c, larger(load(rows + c) + load(bias + c), Vector{}));
    }
  }
}

constexpr TileMaps tile_maps = {tile_input, tile_output, bias_relu};

}  // namespace
}  // namespace headstart::cpu
