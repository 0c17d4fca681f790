// One thread's group of networks of a sweep, one network in each lane of a vector: its buffers, and the way from the
// canonical vectors into lanes and back.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "lanes_job.hpp"
#include "sweep.hpp"

namespace schuss {

constexpr long batch_bytes = 44 * 1024;  // of batch buffers, so that they stay in the nearest cache beside the weights
constexpr long row_unit = 8;  // rows of the tallest tile

template <class T> class LaneRoom {
 public:
  LaneRoom(const Problem &problem, const Table<T> &table, const Data<T> &data, const Objective &objective,
           const Courses &courses)
      : lanes_(table.lanes), parameters_(long(problem.n_parameters())), slots_(memory_rows[int(courses.rule)]),
        loss_parameters_(problem.loss_parameters.begin(), problem.loss_parameters.end()) {
    work_.depth = problem.depth();
    work_.loss = Loss(problem.loss);
    work_.loss_parameters = loss_parameters_.data();
    group_ends_.resize(problem.groups.size());
    std::partial_sum(problem.groups.begin(), problem.groups.end(), group_ends_.begin());
    work_.groups = int(group_ends_.size());
    work_.group_ends = group_ends_.data();
    work_.x = data.x;
    work_.t = data.t;
    work_.classes = data.classes;
    work_.weights = data.weights;
    work_.x_stride = problem.layers.front();
    work_.t_stride = problem.layers.back();
    work_.as_scikit_learn = objective.as_scikit_learn;
    work_.rule = courses.rule;
    work_.team = &team_;
    work_.chunk = rows_for(problem, courses.batch_size);
    theta_ = take(parameters_);
    sums_ = take(parameters_);
    for (int r = 0; r < slots_; r++) memory_[r] = take(parameters_);
    add_layers(problem);
    work_.x_batch = take(long(work_.chunk) * problem.layers.front());
    work_.t_batch = take(long(work_.chunk) * problem.layers.back());
    weight_batch_ = take(work_.chunk);
    l2_ = take(1), l1_ = take(1);
  }

  Work<T> &work() { return work_; }
  T *weight_batch() const { return weight_batch_; }
  T *l2() const { return l2_; }
  T *l1() const { return l1_; }

  // members[lane] is the network in a lane; theta (networks, n_parameters), memory (networks, rows, n_parameters).
  void pack(const std::vector<long> &members, const T *theta, const T *memory) {
    for (int lane = 0; lane < lanes_; lane++) {
      copy_in(theta_, lane, theta + members[lane] * parameters_);
      for (int r = 0; r < slots_; r++)
        copy_in(memory_[r], lane, memory + (members[lane] * slots_ + r) * parameters_);
    }
  }
  void unpack(const std::vector<long> &members, T *theta, T *memory) const {
    for (int lane = 0; lane < lanes_; lane++) {
      copy_out(theta_, lane, theta + members[lane] * parameters_);
      for (int r = 0; r < slots_; r++)
        copy_out(memory_[r], lane, memory + (members[lane] * slots_ + r) * parameters_);
    }
  }

 private:
  struct Free {
    void operator()(void *p) const { std::free(p); }
  };

  int rows_for(const Problem &problem, long batch_size) const {
    long numbers = problem.layers.front() + problem.layers.back();
    for (int l = 1; l <= problem.depth(); l++) numbers += 2 * problem.layers[l];
    const long rows = batch_bytes / (numbers * lanes_ * long(sizeof(T)));
    return int(std::min(batch_size, std::max(rows / row_unit * row_unit, row_unit)));
  }

  T *take(long vectors) {
    const size_t bytes = (size_t(vectors) * lanes_ * sizeof(T) + 63) / 64 * 64 + 64;
    void *p = std::aligned_alloc(64, bytes);
    if (!p) throw std::bad_alloc();
    std::memset(p, 0, bytes);
    buffers_.emplace_back(p);
    return static_cast<T *>(p);
  }

  void add_layers(const Problem &problem) {
    long at = 0;
    for (int l = 0; l < problem.depth(); l++) {
      Layer<T> layer{};
      layer.n_in = problem.layers[l];
      layer.n_out = problem.layers[l + 1];
      layer.activation = Activation(problem.activations[l]);
      layer.has_bias = problem.biases;
      const long middle = at + long(layer.n_in) * layer.n_out, end = middle + (problem.biases ? layer.n_out : 0);
      layer.w = theta_ + at * lanes_, layer.b = theta_ + middle * lanes_;
      layer.g = sums_ + at * lanes_, layer.b_g = sums_ + middle * lanes_;
      for (int r = 0; r < most_memory; r++) {
        T *memory = r < slots_ ? memory_[r] : theta_;  // a valid address that is never used
        layer.memory[r] = memory + at * lanes_, layer.b_memory[r] = memory + middle * lanes_;
      }
      layer.y = take(long(work_.chunk) * layer.n_out);
      layer.delta = layer.slope = take(long(work_.chunk) * layer.n_out);
      layers_.push_back(layer);
      at = end;
    }
    work_.layers = layers_.data();
  }

  void copy_in(T *to, int lane, const T *from) const {
    for (long i = 0; i < parameters_; i++) to[i * lanes_ + lane] = from[i];
  }
  void copy_out(const T *from, int lane, T *to) const {
    for (long i = 0; i < parameters_; i++) to[i] = from[i * lanes_ + lane];
  }

  const int lanes_;
  const long parameters_;
  const int slots_;
  std::vector<T> loss_parameters_;
  std::vector<int> group_ends_;
  std::vector<std::unique_ptr<void, Free>> buffers_;
  std::vector<Layer<T>> layers_;
  Work<T> work_;
  Team team_;
  T *theta_ = nullptr, *sums_ = nullptr, *memory_[most_memory] = {}, *weight_batch_ = nullptr;
  T *l2_ = nullptr, *l1_ = nullptr;
};

}  // namespace schuss
