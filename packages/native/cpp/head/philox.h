// Philox4x32-10: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011. A number depends on key and counter alone, so any thread or device may draw
// it.
#pragma once

#include <array>
#include <cstdint>

namespace headstart {

using PhiloxBlock = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

constexpr PhiloxBlock philox4x32_10(PhiloxBlock counter, PhiloxKey key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {
        static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// std::array's == is no constant in C++17, which nvcc compiles.
constexpr bool gives(const PhiloxBlock& counter, const PhiloxKey& key,
                     const PhiloxBlock& expected) {
  const PhiloxBlock words = philox4x32_10(counter, key);
  for (int i = 0; i < 4; ++i) {
    if (words[i] != expected[i]) return false;
  }
  return true;
}

// Known answers of Random123 1.14.0 (kat_vectors).
static_assert(gives({0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
static_assert(gives({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff},
                    {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
static_assert(gives({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
                    {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));

// What a stream is for; the numbers are those of randomDomain in src/random.ts.
enum class RandomDomain : std::uint8_t { init = 0, dropout = 2 };

// seed < 2^53, so that its high 21 bits leave the key's top byte to the domain.
constexpr PhiloxKey stream_key(std::uint64_t seed, std::uint8_t domain) noexcept {
  return {static_cast<std::uint32_t>(seed),
          static_cast<std::uint32_t>(seed >> 32) | static_cast<std::uint32_t>(domain) << 24};
}

// Block b of the stream has the counter (b, c1, c2, c3) and holds the words 4b … 4b + 3.
class RandomStream {
 public:
  constexpr RandomStream(std::uint64_t seed, std::uint8_t domain, std::uint32_t c1,
                         std::uint32_t c2, std::uint32_t c3) noexcept
      : key_(stream_key(seed, domain)), counter_{c1, c2, c3} {}

  constexpr RandomStream(std::uint64_t seed, RandomDomain domain, std::uint32_t c1,
                         std::uint32_t c2) noexcept
      : RandomStream(seed, static_cast<std::uint8_t>(domain), c1, c2, 0) {}

  constexpr PhiloxBlock block(std::uint32_t index) const noexcept {
    return philox4x32_10({index, counter_[0], counter_[1], counter_[2]}, key_);
  }

 private:
  PhiloxKey key_;
  std::array<std::uint32_t, 3> counter_;
};

// The words of a stream, one after the other.
class RandomWords {
 public:
  explicit constexpr RandomWords(RandomStream stream) noexcept : stream_(stream) {}

  constexpr std::uint32_t next() noexcept {
    if (used_ == 4) {
      block_ = stream_.block(index_++);
      used_ = 0;
    }
    return block_[used_++];
  }

  // Uniform in [0, 1): a word times 2^-32, exact in double.
  constexpr double next_uniform() noexcept { return next() * 0x1p-32; }

  // Uniform in 0 … bound - 1 without bias: D. Lemire, "Fast random integer generation in an
  // interval", ACM TOMACS 29 (2019). bound >= 1.
  constexpr std::uint32_t next_below(std::uint32_t bound) noexcept {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t threshold = (0u - bound) % bound;
      while (static_cast<std::uint32_t>(product) < threshold) {
        product = std::uint64_t{next()} * bound;
      }
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  RandomStream stream_;
  std::uint32_t index_ = 0;
  PhiloxBlock block_{};
  std::uint32_t used_ = 4;
};

}  // namespace headstart
