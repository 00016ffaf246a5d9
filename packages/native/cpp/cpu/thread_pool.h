#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
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

  // Calls body(task) once for each task in 0 … tasks - 1, in any order, on any thread, and returns
  // when all have ended. Tasks must write apart from each other and must not throw.
  template <class Body>
  void run(std::size_t tasks, const Body& body) {
    run_job({[](const void* b, std::size_t task) { (*static_cast<const Body*>(b))(task); }, &body,
             tasks});
  }

 private:
  struct Job {
    void (*call)(const void*, std::size_t) = nullptr;
    const void* body = nullptr;
    std::size_t tasks = 0;
  };

  void run_job(const Job& job);
  void help();
  void work();

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
