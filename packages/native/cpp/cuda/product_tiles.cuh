// Tiles of shared memory for products, and the operands that fill them: 128 threads fetch a block
// of terms into registers, then put it into the tiles. What meets padding is zero there.
#pragma once

#include "cuda/device_code.cuh"
#include "cuda/product.h"

namespace headstart::cuda {

constexpr int block_threads = 128;
constexpr int tile_rows = 64;
constexpr int tile_columns = 32;
constexpr int tile_terms = 32;

constexpr unsigned blocks_of(unsigned terms) { return (terms + tile_terms - 1) / tile_terms; }

// Words of a tile's row. Four more than are used: rows begin in different banks.
template <Math math>
constexpr int row_words = (math == Math::bf16 ? tile_terms / 2 : tile_terms) + 4;

struct Quad {
  float v[4];
};

struct alignas(16) Float4 {
  float v[4];
};

struct alignas(8) Short4 {
  std::uint16_t v[4];
};

// Four numbers that lie together, of which `valid` are there; the others count as zero. aligned:
// whether four may be read at once.
inline __device__ Quad load_quad(const float* from, int valid, bool aligned) {
  Quad quad = {};
  if (aligned && valid >= 4) {
    const Float4 all = *reinterpret_cast<const Float4*>(from);
    for (int i = 0; i < 4; ++i) quad.v[i] = all.v[i];
    return quad;
  }
  for (int i = 0; i < 4; ++i) {
    if (i < valid) quad.v[i] = from[i];
  }
  return quad;
}

template <class T>
__device__ Quad load_quad(const T* from, int valid, bool aligned) {
  Quad quad = {};
  if (aligned && valid >= 4) {
    const Short4 all = *reinterpret_cast<const Short4*>(from);
    for (int i = 0; i < 4; ++i) quad.v[i] = to_float(T{all.v[i]});
    return quad;
  }
  for (int i = 0; i < 4; ++i) {
    if (i < valid) quad.v[i] = to_float(from[i]);
  }
  return quad;
}

template <Math math>
__device__ std::uint32_t word_of(float value) {
  return math == Math::tf32 ? to_tf32(value) : bits_of(value);
}

inline __device__ std::uint32_t pair_of(float lower, float upper) {
  return to_bfloat16_bits(lower) | to_bfloat16_bits(upper) << 16;
}

// Terms term … term + 3 of one row of a tile; term is a multiple of 4.
template <Math math>
__device__ void put_terms(std::uint32_t* row, int term, const Quad& quad) {
  if constexpr (math == Math::bf16) {
    row[term / 2] = pair_of(quad.v[0], quad.v[1]);
    row[term / 2 + 1] = pair_of(quad.v[2], quad.v[3]);
  } else {
    for (int i = 0; i < 4; ++i) row[term + i] = word_of<math>(quad.v[i]);
  }
}

// Terms term and term + 1 of four rows; term is even.
template <Math math>
__device__ void put_rows(std::uint32_t* row, int term, const Quad& first, const Quad& second) {
  for (int i = 0; i < 4; ++i, row += row_words<math>) {
    if constexpr (math == Math::bf16) {
      row[term / 2] = pair_of(first.v[i], second.v[i]);
    } else {
      row[term] = word_of<math>(first.v[i]);
      row[term + 1] = word_of<math>(second.v[i]);
    }
  }
}

inline __device__ int thread() { return static_cast<int>(threadIdx.x); }

// The pixel that a tap puts under a pixel, if it is on the map.
struct Neighbour {
  bool there;
  unsigned pixel;
};

// sign: 1 from a pixel of the result to one of the input, -1 back.
inline __device__ Neighbour neighbour(const ProductShape& shape, unsigned pixel, unsigned tap,
                                      int sign) {
  const int reach = static_cast<int>(shape.side / 2);
  const int y =
      static_cast<int>(pixel / shape.width) + sign * (static_cast<int>(tap / shape.side) - reach);
  const int x =
      static_cast<int>(pixel % shape.width) + sign * (static_cast<int>(tap % shape.side) - reach);
  const bool there =
      y >= 0 && y < static_cast<int>(shape.height) && x >= 0 && x < static_cast<int>(shape.width);
  return {there, static_cast<unsigned>(y) * shape.width + static_cast<unsigned>(x)};
}

// Left operand whose rows are pixels of samples and whose terms are taps and channels.
template <class T>
struct PixelRows {
  ProductShape shape;
  unsigned channels;
  int sign;
  const T* sample[4];  // null: no such row
  unsigned pixel[4];
  Quad quads[4];

  // samples(n): where a sample is.
  template <class Samples>
  __device__ PixelRows(const ProductShape& map, unsigned row_channels, int tap_sign, unsigned begin,
                       unsigned rows, const Samples& samples)
      : shape(map), channels(row_channels), sign(tap_sign) {
    for (int j = 0; j < 4; ++j) {
      const unsigned row = begin + static_cast<unsigned>(thread() / 8 + 16 * j);
      pixel[j] = row % map.pixels();
      sample[j] = row < rows ? samples(row / map.pixels()) : nullptr;
    }
  }

  __device__ void fetch(unsigned block) {
    const unsigned chunks = blocks_of(channels);
    const unsigned tap = block / chunks;
    const unsigned channel = block % chunks * tile_terms + static_cast<unsigned>(thread() % 8) * 4;
    for (int j = 0; j < 4; ++j) {
      const Neighbour from = neighbour(shape, pixel[j], tap, sign);
      const bool there = sample[j] != nullptr && from.there && channel < channels;
      quads[j] =
          there ? load_quad(sample[j] + static_cast<std::size_t>(from.pixel) * channels + channel,
                            static_cast<int>(channels - channel), channels % 4 == 0)
                : Quad{};
    }
  }

  template <Math math>
  __device__ void put(std::uint32_t* tile) const {
    for (int j = 0; j < 4; ++j) {
      put_terms<math>(tile + (thread() / 8 + 16 * j) * row_words<math>, thread() % 8 * 4, quads[j]);
    }
  }
};

// Left operand whose rows are channels and whose terms are the pixels that one tap puts under those
// of the result, of all samples.
template <class T, class Samples>
struct ChannelRows {
  ProductShape shape;
  unsigned tap;
  unsigned begin;
  unsigned terms;
  const Samples& samples;
  Quad quads[4];

  __device__ ChannelRows(const ProductShape& map, unsigned of_tap, unsigned first_channel,
                         unsigned all_terms, const Samples& where)
      : shape(map), tap(of_tap), begin(first_channel), terms(all_terms), samples(where) {}

  __device__ void fetch(unsigned block) {
    const unsigned channel = begin + static_cast<unsigned>(thread() % 16) * 4;
    for (int j = 0; j < 4; ++j) {
      const unsigned term = block * tile_terms +
                            2 * static_cast<unsigned>(thread() / 16 + 8 * (j / 2)) +
                            static_cast<unsigned>(j % 2);
      quads[j] = Quad{};
      if (term >= terms || channel >= shape.inputs) continue;
      const Neighbour from = neighbour(shape, term % shape.pixels(), tap, 1);
      if (!from.there) continue;
      const T* sample = samples(term / shape.pixels());
      quads[j] = load_quad(sample + static_cast<std::size_t>(from.pixel) * shape.inputs + channel,
                           static_cast<int>(shape.inputs - channel), shape.inputs % 4 == 0);
    }
  }

  template <Math math>
  __device__ void put(std::uint32_t* tile) const {
    for (int j = 0; j < 2; ++j) {
      put_rows<math>(tile + thread() % 16 * 4 * row_words<math>, 2 * (thread() / 16 + 8 * j),
                     quads[2 * j], quads[2 * j + 1]);
    }
  }
};

// Right operand [groups, terms, columns] whose columns lie together.
struct ColumnsTogether {
  const float* data;
  unsigned terms;
  unsigned columns;
  unsigned begin;
  Quad quads[2];

  __device__ ColumnsTogether(const float* from, unsigned all_terms, unsigned all_columns,
                             unsigned first_column)
      : data(from), terms(all_terms), columns(all_columns), begin(first_column) {}

  __device__ void fetch(unsigned block) {
    const unsigned chunks = blocks_of(terms);
    const unsigned group = block / chunks;
    const unsigned column = begin + static_cast<unsigned>(thread() % 8) * 4;
    for (int j = 0; j < 2; ++j) {
      const unsigned term =
          block % chunks * tile_terms + static_cast<unsigned>(2 * (thread() / 8) + j);
      const bool there = term < terms && column < columns;
      quads[j] = there
                     ? load_quad(data + (static_cast<std::size_t>(group) * terms + term) * columns +
                                     column,
                                 static_cast<int>(columns - column), columns % 4 == 0)
                     : Quad{};
    }
  }

  template <Math math>
  __device__ void put(std::uint32_t* tile) const {
    put_rows<math>(tile + thread() % 8 * 4 * row_words<math>, 2 * (thread() / 8), quads[0],
                   quads[1]);
  }
};

// Right operand [groups, columns, terms] whose terms lie together.
struct TermsTogether {
  const float* data;
  unsigned terms;
  unsigned columns;
  unsigned begin;
  Quad quads[2];

  __device__ TermsTogether(const float* from, unsigned all_terms, unsigned all_columns,
                           unsigned first_column)
      : data(from), terms(all_terms), columns(all_columns), begin(first_column) {}

  __device__ void fetch(unsigned block) {
    const unsigned chunks = blocks_of(terms);
    const unsigned group = block / chunks;
    const unsigned term = block % chunks * tile_terms + static_cast<unsigned>(thread() % 8) * 4;
    for (int j = 0; j < 2; ++j) {
      const unsigned column = begin + static_cast<unsigned>(thread() / 8 + 16 * j);
      const bool there = term < terms && column < columns;
      quads[j] =
          there ? load_quad(
                      data + (static_cast<std::size_t>(group) * columns + column) * terms + term,
                      static_cast<int>(terms - term), terms % 4 == 0)
                : Quad{};
    }
  }

  template <Math math>
  __device__ void put(std::uint32_t* tile) const {
    for (int j = 0; j < 2; ++j) {
      put_terms<math>(tile + (thread() / 8 + 16 * j) * row_words<math>, thread() % 8 * 4, quads[j]);
    }
  }
};

}  // namespace headstart::cuda
