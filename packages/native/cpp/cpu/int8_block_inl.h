// The block of int8_kernels.h. Each int8_<set>.cc defines, before it includes this: `lanes`, and
// `max_rows` of a register block; Sums, a vector of `lanes` 32-bit sums, with load_sums and
// store_levels; Right, four bytes of a kernel for each of them, with load_bytes; Left, the same
// four bytes of pixels for all, with broadcast_bytes; and add_products.
//
// No standard header with code is included, for the reason given in vectors_inl.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "cpu/int8_kernels.h"

namespace headstart::cpu {
namespace {

constexpr std::size_t vectors = 2;

template <std::size_t R, std::size_t V>
void int8_block(const Int8Block& block, std::size_t first) {
  const std::uint8_t* window[R];
  for (std::size_t r = 0; r < R; ++r) {
    window[r] = block.windows[first + r];
    __builtin_prefetch(block.out[first + r], 1);
  }
  Sums sums[R][V];
  for (std::size_t v = 0; v < V; ++v) {
    const Sums bias = load_sums(block.bias + v * lanes);
    for (std::size_t r = 0; r < R; ++r) sums[r][v] = bias;
  }
  const std::int8_t* kernel = block.kernel;
  for (std::size_t line = 0; line < 3; ++line) {
    for (std::size_t k = 0; k < block.run; k += 4, kernel += 4 * vectors * lanes) {
      Right right[V];
      for (std::size_t v = 0; v < V; ++v) right[v] = load_bytes(kernel + 4 * v * lanes);
      for (std::size_t r = 0; r < R; ++r) {
        const Left left = broadcast_bytes(window[r] + k);
        for (std::size_t v = 0; v < V; ++v) sums[r][v] = add_products(sums[r][v], left, right[v]);
      }
    }
    for (std::size_t r = 0; r < R; ++r) window[r] += block.row;
  }
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t v = 0; v < V; ++v) {
      store_levels(block.out[first + r] + v * lanes, sums[r][v], block.scale + v * lanes,
                   block.zero_point);
    }
  }
}

template <std::size_t V, std::size_t... R>
void int8_blocks(const Int8Block& block, std::index_sequence<R...>) {
  using Function = void (*)(const Int8Block&, std::size_t);
  static constexpr Function table[] = {int8_block<R + 1, V>...};
  // Blocks of nearly equal height: a last one of few pixels would wait for its sums.
  std::size_t blocks = (block.pixels + max_rows - 1) / max_rows;
  for (std::size_t first = 0; blocks > 0; --blocks) {
    const std::size_t height = (block.pixels - first + blocks - 1) / blocks;
    table[height - 1](block, first);
    first += height;
  }
}

void int8_blocks(const Int8Block& block) {
  constexpr std::make_index_sequence<max_rows> heights;
  block.columns > lanes ? int8_blocks<vectors>(block, heights) : int8_blocks<1>(block, heights);
}

}  // namespace
}  // namespace headstart::cpu
