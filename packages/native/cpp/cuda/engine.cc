#include "cuda/engine.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cuda/device_rows.h"
#include "cuda/head_pass.h"
#include "cuda/head_states.h"
#include "cuda/probe.h"
#include "cuda/runtime.h"
#include "cuda/step_tables.h"
#include "head/error.h"

namespace headstart::cuda {
namespace {

// Steps of one graph: as many as are launched at once and cannot be interrupted.
constexpr std::size_t graph_steps = 16;
// Heads are the third dimension of a grid.
constexpr std::size_t most_heads = 65535;
// Samples of a step that does not train: results do not depend on it.
constexpr std::size_t measured_samples = 64;

enum class Mode { train, evaluate };

Math math_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return Math::fp32;
    case Precision::tf32:
      return Math::tf32;
    case Precision::bf16:
      break;
  }
  return Math::bf16;
}

NumberType number_type(FeatureType type) {
  switch (type) {
    case FeatureType::float32:
      return NumberType::float32;
    case FeatureType::float16:
      return NumberType::float16;
    case FeatureType::bfloat16:
      break;
  }
  return NumberType::bfloat16;
}

// All that a captured graph has fixed.
struct GraphKey {
  StepTables::Addresses tables;
  const void* features = nullptr;
  NumberType type = NumberType::float32;
  const std::byte* memory = nullptr;
  std::size_t first_head = 0;
  std::size_t heads = 0;
  std::size_t samples = 0;
  std::size_t steps = 0;

  bool operator==(const GraphKey&) const = default;
};

struct CapturedGraph {
  GraphKey key;
  GraphExec graph;
};

// Heads are computed in groups, as many at once as there is memory for.
class CudaEngine final : public Engine {
 public:
  CudaEngine(const Plan& plan, std::span<const HeadOptions> heads, Precision precision)
      : plan_(plan) {
    std::vector<Stage> stages = make_stages(plan);
    const std::vector<ParameterRange> ranges = make_ranges(stages);
    stream_ = make_stream();
    states_.emplace(heads, plan.parameter_floats, stream_.get());
    for (Event& event : launched_) event = make_event();
    check(cudaMemcpyAsync(ranges_.require(ranges.size()), ranges.data(),
                          ranges.size() * sizeof(ParameterRange), cudaMemcpyHostToDevice,
                          stream_.get()),
          "copying the parameters' places");
    base_.require(1);
    sums_.require(heads.size());
    synchronize();
    pass_.emplace(plan, std::move(stages), ranges_.data(), math_of(precision));
  }

  ~CudaEngine() override {
    if (stream_) cudaStreamSynchronize(stream_.get());
  }

  void train(const FeatureStore& store, std::span<const HeadRun> runs, std::size_t batch_size,
             std::span<Sums> sums, const std::atomic<bool>& abort) override {
    std::vector<TableHead> heads;
    for (const HeadRun& run : runs) {
      heads.push_back({run.rows, run.labels, run.options, run.learning_rates,
                       DropoutDraw{run.options->seed, run.first_step, run.options->dropout}, true});
    }
    run_groups(Mode::train, store, runs, heads, batch_size, sums, abort);
  }

  void evaluate(const FeatureStore& store, std::span<const HeadRows> rows, std::size_t batch_size,
                std::span<Sums> sums, const std::atomic<bool>& abort) override {
    std::vector<TableHead> heads;
    for (const HeadRows& one : rows) {
      heads.push_back({one.rows, one.labels, one.options, {}, std::nullopt, false});
    }
    run_groups(Mode::evaluate, store, rows, heads, std::min(batch_size, measured_samples), sums,
               abort);
  }

  void predict(std::size_t head, const Batch& batch, std::span<float> probabilities) override {
    const HeadOptions options;
    for (std::size_t begin = 0; begin < batch.rows.size(); begin += measured_samples) {
      const std::size_t count = std::min(measured_samples, batch.rows.size() - begin);
      const TableHead one{batch.rows.subspan(begin, count), {}, &options, {}, std::nullopt, false};
      const StepMemory layout = make_layout(1, count, false);
      const Work work = prepare(*batch.store, {&one, 1}, head, count, 1, layout);
      const float* result = pass_->predict(work, stream_.get());
      download(result, probabilities.subspan(begin * plan_.classes, count * plan_.classes));
    }
  }

  Sums gradients(std::size_t head, const Batch& batch, const HeadOptions& options,
                 const std::optional<DropoutDraw>& dropout, std::span<float> gradients) override {
    const TableHead one{batch.rows, batch.labels, &options, {}, dropout, true};
    const StepMemory layout = make_layout(1, batch.rows.size(), true);
    Work work = prepare(*batch.store, {&one, 1}, head, batch.rows.size(), 1, layout);
    work.dropout = dropout.has_value();
    require_memory(collected_.missing(plan_.parameter_floats), "the gradients");
    float* collected = collected_.require(plan_.parameter_floats);
    check(cudaMemsetAsync(collected, 0, plan_.parameter_floats * sizeof(float), stream_.get()),
          "clearing the gradients");
    pass_->differentiate(work, collected, stream_.get());
    download(static_cast<const float*>(collected), gradients);
    return read_sums(1)[0];
  }

  void read(std::size_t head, State state, std::span<float> values) override {
    if (!states_->has(head, state)) {
      std::fill(values.begin(), values.end(), 0.0f);
      return;
    }
    download(static_cast<const float*>(states_->at(head, state)), values);
  }

  void write(std::size_t head, State state, std::span<const float> values) override {
    if (!states_->has(head, state)) return;
    check(cudaMemcpyAsync(states_->at(head, state), values.data(), values.size_bytes(),
                          cudaMemcpyHostToDevice, stream_.get()),
          "copying weights to the GPU");
    synchronize();
  }

  bool reads_device_rows() const noexcept override { return true; }
  std::size_t memory_bytes() const override {
    return states_->bytes() + collected_.bytes() + memory_.bytes() + tables_.bytes();
  }

 private:
  void synchronize() { check(cudaStreamSynchronize(stream_.get()), "a computation"); }

  // Kernels before it on the stream are done when it returns.
  template <class T>
  void download(const T* from, std::span<T> to) {
    check(cudaGetLastError(), "starting a computation");
    check(cudaMemcpyAsync(to.data(), from, to.size_bytes(), cudaMemcpyDeviceToHost, stream_.get()),
          "copying from the GPU");
    synchronize();
  }

  std::vector<Sums> read_sums(std::size_t heads) {
    std::vector<DeviceSums> found(heads);
    download(static_cast<const DeviceSums*>(sums_.data()), std::span(found));
    std::vector<Sums> sums;
    for (const DeviceSums& one : found) {
      sums.push_back({one.loss, static_cast<std::size_t>(one.correct),
                      static_cast<std::size_t>(one.samples), 0});
    }
    return sums;
  }

  StepMemory make_layout(std::size_t heads, std::size_t samples, bool trains) const {
    return StepMemory(pass_->stages(), plan_.parameter_floats, plan_.classes, heads, samples,
                      trains);
  }

  // Heads that fit in the memory that is free, at least one and at most `heads`.
  std::size_t group_size(std::size_t heads, std::size_t samples, bool trains) const {
    const std::size_t one = make_layout(1, samples, trains).bytes;
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for free memory");
    // The rest is for tables, graphs and other programs.
    const std::size_t usable = memory_.bytes() + free / 10 * 9;
    return std::clamp<std::size_t>(usable / one, 1, std::min(heads, most_heads));
  }

  // Copies what `heads` need, from first_head on, makes sure of the memory, and clears the sums.
  Work prepare(const FeatureStore& store, std::span<const TableHead> heads, std::size_t first_head,
               std::size_t samples, std::size_t multiple, const StepMemory& layout) {
    synchronize();
    const void* features = store.device_data(make_rows);
    if (memory_.missing(layout.bytes) > 0) {
      memory_.clear();
      require_memory(layout.bytes, ("steps of " + count_of(heads.size(), "head") + " with " +
                                    count_of(samples, "sample")));
    }
    std::byte* memory = memory_.require(layout.bytes);
    tables_.fill(heads, samples, multiple, plan_.classes, stream_.get());
    check(cudaMemsetAsync(sums_.data(), 0, heads.size() * sizeof(DeviceSums), stream_.get()),
          "clearing the sums");
    advance(base_.data(), 0, true, stream_.get());
    const StepTables::Addresses& tables = tables_.addresses();
    Work work{};
    work.steps = {tables.steps, tables.facts, base_.data(), 0,
                  static_cast<std::uint32_t>(heads.size())};
    work.samples = static_cast<unsigned>(samples);
    work.features = {features, number_type(store.type()), tables.rows, 0, store.shape().size()};
    work.labels = tables.labels;
    work.class_weights = tables.class_weights;
    work.weights = states_->at(first_head, State::weights);
    work.first_moment = states_->at(first_head, State::first_moment);
    work.second_moment = states_->at(first_head, State::second_moment);
    work.memory = memory;
    work.layout = &layout;
    work.sums = sums_.data();
    return work;
  }

  // heads[i] is what items[i] says of its head. A group is of heads that lie together.
  template <class Item>
  void run_groups(Mode mode, const FeatureStore& store, std::span<const Item> items,
                  std::span<const TableHead> heads, std::size_t batch_size, std::span<Sums> sums,
                  const std::atomic<bool>& abort) {
    std::size_t most = 0;
    for (const TableHead& head : heads) most = std::max(most, head.rows.size());
    if (most == 0) return;
    const std::size_t samples = std::min(batch_size, most);
    const bool trains = mode == Mode::train;
    store.device_data(make_rows);
    const std::size_t size = group_size(heads.size(), samples, trains);
    std::size_t count = 0;
    for (std::size_t begin = 0; begin < heads.size(); begin += count) {
      const std::size_t first = items[begin].head;
      count = 1;
      while (count < size && begin + count < heads.size() &&
             items[begin + count].head == first + count) {
        ++count;
      }
      run_group(mode, store, first, heads.subspan(begin, count), samples,
                sums.subspan(begin, count), abort);
    }
  }

  void run_group(Mode mode, const FeatureStore& store, std::size_t first_head,
                 std::span<const TableHead> heads, std::size_t samples, std::span<Sums> sums,
                 const std::atomic<bool>& abort) {
    std::size_t steps = 0;
    for (const TableHead& head : heads) {
      steps = std::max(steps, steps_of(head.rows.size(), samples));
    }
    if (steps == 0) return;
    end_if(abort);
    const std::size_t each = std::min(steps, graph_steps);
    const StepMemory layout = make_layout(heads.size(), samples, mode == Mode::train);
    Work work = prepare(store, heads, first_head, samples, each, layout);
    work.dropout = mode == Mode::train;
    CapturedGraph& graph = graphs_[static_cast<std::size_t>(mode)];
    const GraphKey key{tables_.addresses(),
                       work.features.data,
                       work.features.type,
                       work.memory,
                       first_head,
                       heads.size(),
                       samples,
                       each};
    if (!graph.graph || !(graph.key == key)) {
      graph.graph = capture(mode, work, each);
      graph.key = key;
    }
    const std::size_t done = launch_steps(graph.graph, steps, each, abort);
    const std::vector<Sums> found = read_sums(heads.size());
    for (std::size_t h = 0; h < heads.size(); ++h) {
      sums[h] = found[h];
      sums[h].steps = std::min(done, steps_of(heads[h].rows.size(), samples));
    }
    if (done < steps) end_if(abort);
  }

  // Gives how many steps were launched: all, unless abort was seen. At most two graphs wait at a
  // time, so that it is seen soon.
  std::size_t launch_steps(const GraphExec& graph, std::size_t steps, std::size_t each,
                           const std::atomic<bool>& abort) {
    std::size_t next = 0;
    for (std::size_t done = 0; done < steps; done += each) {
      Event& event = launched_[next++ % 2];
      check(cudaEventSynchronize(event.get()), "a computation");
      if (abort.load(std::memory_order_relaxed)) return done;
      check(cudaGraphLaunch(graph.get(), stream_.get()), "starting a computation");
      check(cudaEventRecord(event.get(), stream_.get()), "starting a computation");
    }
    return steps;
  }

  GraphExec capture(Mode mode, Work work, std::size_t steps) {
    check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal),
          "recording a computation");
    for (std::size_t i = 0; i < steps; ++i) {
      work.steps.index = static_cast<std::uint32_t>(i);
      if (mode == Mode::train) {
        pass_->train(work, stream_.get());
      } else {
        pass_->evaluate(work, stream_.get());
      }
    }
    advance(base_.data(), static_cast<std::uint32_t>(steps), false, stream_.get());
    cudaGraph_t recorded = nullptr;
    const cudaError_t ended = cudaStreamEndCapture(stream_.get(), &recorded);
    const Owned<cudaGraph_t, cudaGraphDestroy> graph(recorded);
    check(ended, "recording a computation");
    check(cudaGetLastError(), "recording a computation");
    cudaGraphExec_t ready = nullptr;
    check(cudaGraphInstantiate(&ready, graph.get(), 0), "recording a computation");
    return GraphExec(ready);
  }

  Plan plan_;
  Stream stream_;
  Event launched_[2];
  std::optional<HeadStates> states_;
  DeviceBuffer<float> collected_;
  DeviceBuffer<ParameterRange> ranges_;
  DeviceBuffer<std::uint32_t> base_;
  DeviceBuffer<DeviceSums> sums_;
  DeviceBuffer<std::byte> memory_;
  StepTables tables_;
  CapturedGraph graphs_[2];
  std::optional<HeadPass> pass_;
};

}  // namespace

void require_device() {
  const Probe found = probe();
  if (found.found) return;
  throw Error(ErrorCode::device_unavailable, "CUDA is not available: " + found.description + ".");
}

std::unique_ptr<Engine> make_engine(const Plan& plan, std::span<const HeadOptions> heads,
                                    Precision precision) {
  require_device();
  if (precision != Precision::fp32) {
    if (!probe().tensor_cores) {
      throw Error(ErrorCode::device_unavailable,
                  "This GPU has no tensor cores for tf32 and bf16 (compute capability 8.0 or "
                  "newer): use fp32.");
    }
    if (!multiplies_on_tensor_cores()) {
      throw Error(ErrorCode::device_unavailable,
                  "This build holds no code for the tensor cores of this GPU: use fp32, or build "
                  "with its architecture among CUDA_ARCHITECTURES.");
    }
  }
  return std::make_unique<CudaEngine>(plan, heads, precision);
}

}  // namespace headstart::cuda
