#define HEADSTART_LANES 16
#define HEADSTART_ROWS 8
#include <immintrin.h>

#include "cpu/products_inl.h"

namespace headstart::cpu {
namespace {

// VDPBF16PS: the upper product is added first, then the lower; subnormals count as zero.
inline Vector multiply_add(Vector sum, Word left, Vector right) {
  const auto pair = reinterpret_cast<__m512bh>(_mm512_set1_ps(left));
  const auto pairs = reinterpret_cast<__m512bh>(static_cast<__m512>(right));
  return static_cast<Vector>(_mm512_dpbf16_ps(static_cast<__m512>(sum), pair, pairs));
}

}  // namespace

const Products avx512_bf16_products = {rows, outer};

}  // namespace headstart::cpu
