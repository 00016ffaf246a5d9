// Register-blocked products; see vectors_inl.h. Also needs `multiply_add`: the sum with one more
// product of words.
#pragma once

#include "cpu/vectors_inl.h"

namespace headstart::cpu {
namespace {

inline Vector multiply_add(Vector sum, Word left, Vector right);

// Adds a block of sums to C: whole vectors where they fit, else only the columns there are.
template <std::size_t R, std::size_t V>
inline void add_block(Vector (&sums)[R][V], float* const (&c)[R], std::size_t columns) {
  if (columns == V * lanes) {
    for (std::size_t r = 0; r < R; ++r) {
      for (std::size_t v = 0; v < V; ++v) {
        store(c[r] + v * lanes, load(c[r] + v * lanes) + sums[r][v]);
      }
    }
    return;
  }
  for (std::size_t r = 0; r < R; ++r) {
    float row[V * lanes];
    for (std::size_t v = 0; v < V; ++v) store(row + v * lanes, sums[r][v]);
    for (std::size_t n = 0; n < columns; ++n) c[r][n] += row[n];
  }
}

template <std::size_t R, std::size_t V>
void rows_block(const Word* const* a, float* const* c, const RowsBlock& block) {
  const Word* row[R];
  float* out[R];
  for (std::size_t r = 0; r < R; ++r) {
    row[r] = a[r];
    out[r] = c[r];
  }
  Vector sums[R][V] = {};
  const Word* b = block.b;
  for (std::size_t k = 0; k < block.k; ++k, b += block.ldb) {
    Vector right[V];
    for (std::size_t v = 0; v < V; ++v) right[v] = load(b + v * lanes);
    for (std::size_t r = 0; r < R; ++r) {
      for (std::size_t v = 0; v < V; ++v) {
        sums[r][v] = multiply_add(sums[r][v], row[r][k], right[v]);
      }
    }
  }
  add_block<R, V>(sums, out, block.columns);
}

template <std::size_t R, std::size_t V>
void outer_block(const OuterBlock& block, std::size_t m) {
  float* out[R];
  for (std::size_t r = 0; r < R; ++r) out[r] = block.c + (m + r) * block.ldc;
  const Word* a = block.a + m;
  const Word* b = block.b;
  Vector sums[R][V] = {};
  for (std::size_t k = 0; k < block.k; ++k) {
    const Word* left_row = a + block.a_offsets[k];
    const Word* right_row = b + block.b_offsets[k];
    Vector right[V];
    for (std::size_t v = 0; v < V; ++v) right[v] = load(right_row + v * lanes);
    for (std::size_t r = 0; r < R; ++r) {
      for (std::size_t v = 0; v < V; ++v) {
        sums[r][v] = multiply_add(sums[r][v], left_row[r], right[v]);
      }
    }
  }
  add_block<R, V>(sums, out, block.columns);
}

template <std::size_t V>
struct Tables {
  using RowsFunction = void (*)(const Word* const*, float* const*, const RowsBlock&);
  using OuterFunction = void (*)(const OuterBlock&, std::size_t);

  template <std::size_t... R>
  static void call_rows(std::size_t rows, const Word* const* a, float* const* c,
                        const RowsBlock& block, std::index_sequence<R...>) {
    static constexpr RowsFunction table[] = {rows_block<R + 1, V>...};
    table[rows - 1](a, c, block);
  }

  template <std::size_t... R>
  static void call_outer(std::size_t rows, const OuterBlock& block, std::size_t m,
                         std::index_sequence<R...>) {
    static constexpr OuterFunction table[] = {outer_block<R + 1, V>...};
    table[rows - 1](block, m);
  }
};

// Calls body(begin, rows) for blocks of nearly equal height: a last block of one row would waste
// most of its time waiting for sums.
template <class Body>
inline void for_row_blocks(std::size_t rows, const Body& body) {
  std::size_t blocks = (rows + max_rows - 1) / max_rows;
  for (std::size_t begin = 0; blocks > 0; --blocks) {
    const std::size_t height = (rows - begin + blocks - 1) / blocks;
    body(begin, height);
    begin += height;
  }
}

template <std::size_t V>
void rows_blocks(const RowsBlock& block) {
  for_row_blocks(block.rows, [&](std::size_t i, std::size_t height) {
    Tables<V>::call_rows(height, block.a + i, block.c + i, block,
                         std::make_index_sequence<max_rows>());
  });
}

template <std::size_t V>
void outer_blocks(const OuterBlock& block) {
  for_row_blocks(block.rows, [&](std::size_t m, std::size_t height) {
    Tables<V>::call_outer(height, block, m, std::make_index_sequence<max_rows>());
  });
}

void rows(const RowsBlock& block) {
  block.columns > lanes ? rows_blocks<2>(block) : rows_blocks<1>(block);
}

void outer(const OuterBlock& block) {
  block.columns > lanes ? outer_blocks<2>(block) : outer_blocks<1>(block);
}

}  // namespace
}  // namespace headstart::cpu
