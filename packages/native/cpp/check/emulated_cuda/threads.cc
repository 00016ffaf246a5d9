#include "threads.h"

#include <ucontext.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

thread_local dim3 threadIdx;
thread_local dim3 blockIdx;

namespace headstart::emulated {
namespace {

constexpr std::size_t stack_bytes = 64 * 1024;

enum class Condition { fresh, ready, at_block_barrier, at_warp_barrier, ended };

// A stack on which threads run, one after the other while they do not wait.
struct Fiber {
  std::unique_ptr<char[]> stack{new char[stack_bytes]};
  ucontext_t first;
  std::jmp_buf saved;
  bool entered = false;
};

struct Thread {
  Condition condition = Condition::fresh;
  Fiber* fiber = nullptr;
};

struct Warp {
  unsigned alive = 0;
  unsigned waiting = 0;
  const void* slots[warp_size] = {};
};

class Block {
 public:
  void run(unsigned threads, const std::function<void()>& kernel) {
    kernel_ = &kernel;
    threads_.assign(threads, {});
    warps_.assign((threads + warp_size - 1) / warp_size, {});
    for (unsigned t = 0; t < threads; ++t) ++warps_[t / warp_size].alive;
    alive_ = threads;
    waiting_ = 0;
    while (alive_ > 0) {
      bool moved = false;
      for (unsigned t = 0; t < threads; ++t) {
        const Condition condition = threads_[t].condition;
        if (condition != Condition::fresh && condition != Condition::ready) continue;
        resume(t);
        moved = true;
      }
      if (!moved) {
        std::fputs("emulated CUDA: threads of a block wait for each other in vain\n", stderr);
        std::abort();
      }
    }
  }

  void wait(Condition condition) {
    threads_[current_].condition = condition;
    if (condition == Condition::at_warp_barrier) {
      ++warps_[current_ / warp_size].waiting;
    } else {
      ++waiting_;
    }
    release();
    leave();
  }

  Warp& warp() { return warps_[current_ / warp_size]; }

 private:
  void resume(unsigned t) {
    Thread& thread = threads_[t];
    if (!thread.fiber) {
      if (idle_.empty()) {
        fibers_.push_back(std::make_unique<Fiber>());
        idle_.push_back(fibers_.back().get());
      }
      thread.fiber = idle_.back();
      idle_.pop_back();
    }
    current_ = t;
    threadIdx = dim3(t, 0, 0);
    thread.condition = Condition::ready;
    Fiber& fiber = *thread.fiber;
    if (_setjmp(scheduler_) == 0) {
      if (fiber.entered) _longjmp(fiber.saved, 1);
      fiber.entered = true;
      getcontext(&fiber.first);
      fiber.first.uc_stack.ss_sp = fiber.stack.get();
      fiber.first.uc_stack.ss_size = stack_bytes;
      fiber.first.uc_link = nullptr;
      makecontext(&fiber.first, enter, 0);
      setcontext(&fiber.first);
    }
  }

  static void enter();

  // The fiber's own loop: one thread after the other.
  [[noreturn]] void work() {
    for (;;) {
      (*kernel_)();
      Thread& thread = threads_[current_];
      thread.condition = Condition::ended;
      idle_.push_back(thread.fiber);
      --alive_;
      --warp().alive;
      release();
      Fiber* fiber = thread.fiber;
      if (_setjmp(fiber->saved) == 0) _longjmp(scheduler_, 1);
    }
  }

  void leave() {
    Fiber* fiber = threads_[current_].fiber;
    if (_setjmp(fiber->saved) == 0) _longjmp(scheduler_, 1);
  }

  // Lets go those who are all there.
  void release() {
    Warp& mine = warp();
    if (mine.waiting > 0 && mine.waiting == mine.alive) {
      mine.waiting = 0;
      wake(current_ / warp_size * warp_size, warp_size, Condition::at_warp_barrier);
    }
    if (waiting_ > 0 && waiting_ == alive_) {
      waiting_ = 0;
      wake(0, static_cast<unsigned>(threads_.size()), Condition::at_block_barrier);
    }
  }

  void wake(unsigned begin, unsigned count, Condition from) {
    for (unsigned t = begin; t < begin + count && t < threads_.size(); ++t) {
      if (threads_[t].condition == from) threads_[t].condition = Condition::ready;
    }
  }

  const std::function<void()>* kernel_ = nullptr;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  unsigned alive_ = 0;
  unsigned waiting_ = 0;
  unsigned current_ = 0;
  std::jmp_buf scheduler_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
};

thread_local Block* running = nullptr;

void Block::enter() { running->work(); }

}  // namespace

void run_grid(dim3 grid, unsigned threads, const std::function<void()>& kernel) {
  static thread_local Block block;
  running = &block;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = dim3(x, y, z);
        block.run(threads, kernel);
      }
    }
  }
}

void wait_for_warp() { running->wait(Condition::at_warp_barrier); }

const void** warp_slots() { return running->warp().slots; }

}  // namespace headstart::emulated

void __syncthreads() {
  using namespace headstart::emulated;
  running->wait(Condition::at_block_barrier);
}
