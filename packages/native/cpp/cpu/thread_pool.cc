#include "cpu/thread_pool.h"

#include <system_error>

#include "head/error.h"

namespace headstart::cpu {
namespace {

constexpr int spins = 4000;

void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns when the value is no longer old.
void wait_until_not(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int i = 0; i < spins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(unsigned threads) {
  try {
    for (unsigned i = 1; i < threads; ++i) helpers_.emplace_back([this, i] { help(i); });
  } catch (const std::system_error&) {
    end_helpers();
    throw Error(ErrorCode::out_of_memory, "The system gives no further thread: use fewer threads.");
  }
}

ThreadPool::~ThreadPool() { end_helpers(); }

void ThreadPool::end_helpers() {
  stop_.store(true, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void ThreadPool::run_job(const Job& job) {
  if (helpers_.empty() || job.tasks <= 1) {
    for (std::size_t task = 0; task < job.tasks; ++task) job.call(job.body, task, 0);
    return;
  }
  job_ = job;
  next_.store(0, std::memory_order_relaxed);
  gate_.store(open, std::memory_order_release);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  work(0);
  std::uint32_t inside = gate_.fetch_and(~open, std::memory_order_acq_rel) & ~open;
  while (inside != 0) {
    wait_until_not(gate_, inside);
    inside = gate_.load(std::memory_order_acquire);
  }
}

bool ThreadPool::enter() {
  std::uint32_t gate = gate_.load(std::memory_order_relaxed);
  while ((gate & open) != 0) {
    if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void ThreadPool::leave() {
  const std::uint32_t before = gate_.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & open) == 0) gate_.notify_all();
}

void ThreadPool::help(unsigned worker) {
  std::uint32_t seen = 0;
  for (;;) {
    wait_until_not(round_, seen);
    seen = round_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    if (!enter()) continue;
    work(worker);
    leave();
  }
}

void ThreadPool::work(unsigned worker) {
  for (;;) {
    const std::size_t task = next_.fetch_add(1, std::memory_order_relaxed);
    if (task >= job_.tasks) return;
    job_.call(job_.body, task, worker);
  }
}

}  // namespace headstart::cpu
