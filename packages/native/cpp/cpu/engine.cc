#include "cpu/engine.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

#include "cpu/head_pass.h"
#include "head/error.h"

namespace headstart::cpu {
namespace {

// One head's state, each [plan.parameter_floats] or empty.
struct HeadState {
  std::vector<float> weights;
  std::vector<float> first_moment;
  std::vector<float> second_moment;

  std::vector<float>& array(State state) {
    switch (state) {
      case State::weights:
        return weights;
      case State::first_moment:
        return first_moment;
      case State::second_moment:
        break;
    }
    return second_moment;
  }
};

Compute compute_with(ThreadPool& pool, Precision precision) {
  const Kernels& kernels = best_kernels();
  if (precision == Precision::fp32) return {pool, kernels, precision, kernels.fp32};
  if (precision == Precision::tf32) {
    throw Error(ErrorCode::device_unavailable, "Processors do not multiply in tf32: use fp32.");
  }
  const Products* products = bf16_products(kernels);
  if (!products) {
    throw Error(ErrorCode::device_unavailable,
                "This processor does not multiply bfloat16 numbers (AVX512_BF16): use fp32.");
  }
  return {pool, kernels, precision, *products};
}

template <class T>
std::span<const T> part(std::span<const T> values, std::size_t begin, std::size_t count) {
  return values.subspan(begin, std::min(count, values.size() - begin));
}

// Heads are independent. Where there are at least as many as threads, each is computed by one
// thread, with memory of that thread; else one after the other, each by all threads. Results are
// the same bits either way.
class CpuEngine final : public Engine {
 public:
  CpuEngine(const Plan& plan, std::span<const HeadOptions> heads, unsigned threads,
            Precision precision)
      : plan_(plan), pool_(threads), together_(plan_, compute_with(pool_, precision)) {
    const std::vector<float> zeros(plan_.parameter_floats);
    for (const HeadOptions& options : heads) {
      HeadState& head = heads_.emplace_back();
      head.weights = zeros;
      if (options.optimizer.has_first_moment()) head.first_moment = zeros;
      if (options.optimizer.has_second_moment()) head.second_moment = zeros;
    }
    if (heads.size() < threads || threads < 2) return;
    for (unsigned i = 0; i < threads; ++i) {
      apart_.push_back(std::make_unique<HeadPass>(plan_, compute_with(alone_, precision)));
    }
  }

  void train(const FeatureStore& store, std::span<const HeadRun> runs, std::size_t batch_size,
             std::span<Sums> sums, const std::atomic<bool>& abort) override {
    for_heads(runs, [&](HeadPass& pass, std::size_t i) {
      train_head(pass, store, runs[i], batch_size, sums[i], abort);
    });
  }

  void evaluate(const FeatureStore& store, std::span<const HeadRows> rows, std::size_t batch_size,
                std::span<Sums> sums, const std::atomic<bool>& abort) override {
    for_heads(rows, [&](HeadPass& pass, std::size_t i) {
      const HeadRows& one = rows[i];
      const float* weights = heads_[one.head].weights.data();
      for (std::size_t begin = 0; begin < one.rows.size(); begin += batch_size) {
        end_if(abort);
        const Batch batch{&store, part(one.rows, begin, batch_size),
                          part(one.labels, begin, batch_size)};
        add(sums[i], pass.evaluate(weights, batch, *one.options));
      }
    });
  }

  void predict(std::size_t head, const Batch& batch, std::span<float> probabilities) override {
    together_.predict(heads_.at(head).weights.data(), batch, probabilities.data());
  }

  Sums gradients(std::size_t head, const Batch& batch, const HeadOptions& options,
                 const std::optional<DropoutDraw>& dropout, std::span<float> gradients) override {
    Sums sums;
    const float* found = together_.differentiate(heads_.at(head).weights.data(), batch, options,
                                                 dropout, sums);
    std::copy_n(found, gradients.size(), gradients.begin());
    return sums;
  }

  void read(std::size_t head, State state, std::span<float> values) override {
    const std::vector<float>& array = heads_.at(head).array(state);
    std::fill(values.begin(), values.end(), 0.0f);
    std::copy_n(array.begin(), std::min(array.size(), values.size()), values.begin());
  }

  void write(std::size_t head, State state, std::span<const float> values) override {
    std::vector<float>& array = heads_.at(head).array(state);
    std::copy_n(values.begin(), std::min(array.size(), values.size()), array.begin());
  }

  std::size_t memory_bytes() const override {
    std::size_t bytes = together_.memory_bytes();
    for (const auto& pass : apart_) bytes += pass->memory_bytes();
    for (const HeadState& head : heads_) {
      bytes += sizeof(float) * (head.weights.size() + head.first_moment.size() +
                                head.second_moment.size());
    }
    return bytes;
  }

 private:
  static void add(Sums& sums, const Sums& more) {
    sums.loss += more.loss;
    sums.correct += more.correct;
    sums.samples += more.samples;
    sums.steps += more.steps;
  }

  // Calls body(pass, i) for each of the items. Tasks of a pool must not throw: the first error is
  // kept, and heads that were not begun are left out.
  template <class Item, class Body>
  void for_heads(std::span<const Item> items, const Body& body) {
    if (apart_.empty() || items.size() < 2) {
      for (std::size_t i = 0; i < items.size(); ++i) body(together_, i);
      return;
    }
    std::vector<std::exception_ptr> errors(items.size());
    std::atomic<bool> failed{false};
    pool_.run(items.size(), [&](std::size_t i, unsigned worker) {
      if (failed.load(std::memory_order_relaxed)) return;
      try {
        body(*apart_[worker], i);
      } catch (...) {
        errors[i] = std::current_exception();
        failed.store(true, std::memory_order_relaxed);
      }
    });
    for (const std::exception_ptr& error : errors) {
      if (error) std::rethrow_exception(error);
    }
  }

  void train_head(HeadPass& pass, const FeatureStore& store, const HeadRun& run,
                  std::size_t batch_size, Sums& sums, const std::atomic<bool>& abort) {
    const HeadOptions& options = *run.options;
    HeadState& head = heads_[run.head];
    for (std::size_t begin = 0; begin < run.rows.size(); begin += batch_size) {
      end_if(abort);
      const std::size_t done = begin / batch_size;
      const std::uint32_t step = run.first_step + static_cast<std::uint32_t>(done);
      const Batch batch{&store, part(run.rows, begin, batch_size),
                        part(run.labels, begin, batch_size)};
      const double rate =
          run.learning_rates.empty() ? options.learning_rate : run.learning_rates[done];
      Sums step_sums;
      const float* gradients =
          pass.differentiate(head.weights.data(), batch, options,
                             DropoutDraw{options.seed, step, options.dropout}, step_sums);
      update(pass.compute(), head, gradients, update_step(options.optimizer, rate, step + 1));
      add(sums, step_sums);
    }
  }

  void update(const Compute& compute, HeadState& head, const float* gradients,
              const UpdateStep& step) const {
    constexpr std::size_t task_floats = 16384;
    const std::size_t count = plan_.parameter_floats;
    const auto from = [](std::vector<float>& array, std::size_t begin) {
      return array.empty() ? nullptr : array.data() + begin;
    };
    compute.pool.run(ceil_div(count, task_floats), [&](std::size_t task) {
      const std::size_t begin = task * task_floats;
      compute.kernels.update(
          {head.weights.data() + begin, from(head.first_moment, begin),
           from(head.second_moment, begin), gradients + begin,
           std::min(task_floats, count - begin)},
          step);
    });
  }

  Plan plan_;
  ThreadPool pool_;
  ThreadPool alone_{1};
  HeadPass together_;
  std::vector<std::unique_ptr<HeadPass>> apart_;  // one a worker
  std::vector<HeadState> heads_;
};

}  // namespace

unsigned default_threads() { return std::clamp(std::thread::hardware_concurrency(), 1u, 16u); }

std::string describe() {
  const unsigned threads = default_threads();
  return std::string("CPU, ") + best_kernels().name + ", " + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads");
}

bool has_bf16() { return bf16_products(best_kernels()) != nullptr; }

std::unique_ptr<Engine> make_engine(const Plan& plan, std::span<const HeadOptions> heads,
                                    unsigned threads, Precision precision) {
  return std::make_unique<CpuEngine>(plan, heads, threads == 0 ? default_threads() : threads,
                                     precision);
}

}  // namespace headstart::cpu
