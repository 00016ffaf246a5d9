#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace headstart::cpu {

// Threads of one engine. The caller of run() works too, so a pool of 1 has no thread of its own.
// Helpers spin for some microseconds between two calls, then sleep.
class ThreadPool {
 public:
  explicit ThreadPool(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  unsigned threads() const noexcept { return static_cast<unsigned>(helpers_.size()) + 1; }

  // Calls body(task), or body(task, worker), once for each task in 0 … tasks - 1, in any order, on
  // any thread, and returns when all have ended. Tasks must write apart from each other and must
  // not throw. Two tasks with the same worker, in 0 … threads() - 1, never run at once.
  template <class Body>
  void run(std::size_t tasks, const Body& body) {
    run_job({[](const void* erased, std::size_t task, unsigned worker) {
               const Body& call = *static_cast<const Body*>(erased);
               if constexpr (std::is_invocable_v<const Body&, std::size_t, unsigned>) {
                 call(task, worker);
               } else {
                 call(task);
               }
             },
             &body, tasks});
  }

 private:
  struct Job {
    void (*call)(const void*, std::size_t, unsigned) = nullptr;
    const void* body = nullptr;
    std::size_t tasks = 0;
  };

  void run_job(const Job& job);
  void end_helpers();
  void help(unsigned worker);
  void work(unsigned worker);

  // The top bit: helpers may still enter the job; the others: how many are inside. The job changes
  // only while this is 0, and the caller waits for those inside alone: a helper that wakes late
  // holds nobody up.
  static constexpr std::uint32_t open = 0x80000000u;

  bool enter();
  void leave();

  Job job_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::uint32_t> gate_{0};
  std::atomic<std::uint32_t> round_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> helpers_;
};

}  // namespace headstart::cpu
