#include "sweep.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <new>
#include <numeric>
#include <vector>

#include "calls.hpp"
#include "crew.hpp"
#include "epoch_means.hpp"
#include "lanes_job.hpp"

namespace schuss {
namespace {

constexpr long room_bytes = 44 * 1024;  // of batch buffers, so that they stay in the nearest cache beside the weights
constexpr long row_unit = 8;  // rows of the tallest tile

// Networks with more weights are faster by themselves. Of smaller ones, one in full lanes takes about as little
// of its time alone as the root of its share of these weights: a fit to measurements on AVX-512 in float32.
constexpr double most_parameters = 2000;

long in_turns(long things, long at_once) { return (things + at_once - 1) / at_once; }

// Buffers of one thread's group of networks, and the way from the canonical vectors into lanes and back.
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
    const long rows = room_bytes / (numbers * lanes_ * long(sizeof(T)));
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

// Where the losses of steps go: to their places, or, where those of epochs are asked for, into a room of one thread,
// which stays near until `close` makes means of them.
class StepLosses {
 public:
  StepLosses(const Courses &courses, long at_once, double *told) : courses_(courses), told_(told) {
    if (courses.shares) room_.reset(new double[size_t(std::min(at_once, courses.networks) * courses.steps)]);
  }

  // Of network i; asked again and again for the same, it is one place.
  double *of(long i) {
    if (!room_) return told_ + i * courses_.steps;
    if (members_.empty() || members_.back() != i) members_.push_back(i);
    return room_.get() + long(members_.size() - 1) * courses_.steps;
  }

  void close() {
    const double *from = room_.get();
    for (const long i : members_) {
      epoch_means(from, courses_.shares, courses_.per_epoch, courses_.told(), told_ + i * courses_.told());
      from += courses_.steps;
    }
    members_.clear();
  }

 private:
  const Courses &courses_;
  double *const told_;
  std::unique_ptr<double[]> room_;
  std::vector<long> members_;  // whose losses stand in the room
};

// All that one call was given.
template <class T> struct Given {
  const Problem &problem;
  Shelf<T> &shelf;
  const Table<T> &table;
  const Data<T> &data;
  const Objective &objective;
  const Dropout &dropout;
  const Courses &courses;
  const T *theta, *memory;
  T *new_theta, *new_memory;

  const int32_t *order_of(long i) const {
    return courses.orders ? courses.orders + courses.order_of[i] * courses.order_length : nullptr;
  }
};

// The networks `members`, one a lane. Those beyond the last network repeat it: what they write is the same.
template <class T>
bool train_lanes(const Given<T> &given, LaneRoom<T> &room, StepLosses &step_losses, const std::vector<long> &members) {
  const Courses &courses = given.courses;
  const int lanes = given.table.lanes;
  std::vector<const int32_t *> orders(lanes);
  std::vector<const double *> rates(lanes), keeps(lanes);
  std::vector<double *> losses(lanes);
  bool same = true;
  for (int lane = 0; lane < lanes; lane++) {
    const long i = members[lane];
    orders[lane] = given.order_of(i);
    same = same && orders[lane] == orders[0];
    rates[lane] = courses.rates.of(i);
    keeps[lane] = courses.keeps.first ? courses.keeps.of(i) : nullptr;
    losses[lane] = step_losses.of(i);
    room.l2()[lane] = T(courses.l2[i]);
    room.l1()[lane] = T(courses.l1[i]);
  }
  room.pack(members, given.theta, given.memory);
  const LaneJob<T> job = {&room.work(), given.data.n, courses.batch_size, courses.steps, courses.first_place,
                          given.objective.mean, courses.orders ? orders.data() : nullptr, same, rates.data(),
                          courses.rates.step, courses.keeps.first ? keeps.data() : nullptr, courses.keeps.step,
                          room.l2(), room.l1(), room.weight_batch(), losses.data()};
  if (!given.table.lane_steps(job)) return false;
  room.unpack(members, given.new_theta, given.new_memory);
  step_losses.close();
  return true;
}

// The numbers of one network for each step.
std::vector<double> each_step(const Numbered &numbered, long i, long steps, int count) {
  std::vector<double> numbers;
  for (long s = 0; numbered.first && s < steps; s++) {
    const double *from = numbered.of(i) + s * numbered.step;
    numbers.insert(numbers.end(), from, from + count);
  }
  return numbers;
}

template <class T>
bool train_alone(const Given<T> &given, StepLosses &step_losses, long i, const Poll &poll) {
  const Courses &courses = given.courses;
  const std::vector<double> rates = each_step(courses.rates, i, courses.steps, rate_counts[int(courses.rule)]);
  const std::vector<double> keeps = each_step(courses.keeps, i, courses.steps, 1);
  const Course course = {given.order_of(i), courses.batch_size, courses.steps, courses.first_place, courses.rule,
                         rates.data(), courses.keeps.first ? keeps.data() : nullptr, false};
  Objective objective = given.objective;
  objective.l2 = courses.l2[i], objective.l1 = courses.l1[i];
  Dropout dropout = given.dropout;
  dropout.seed = courses.seeds[i];
  const size_t size = given.problem.n_parameters(), slots = size_t(memory_rows[int(courses.rule)]);
  double *losses = step_losses.of(i);
  const Progress made = advance<T>(given.problem, given.shelf, given.table, given.data, objective, dropout, course, 1,
                                   given.theta + i * size, given.memory + i * slots * size, given.new_theta + i * size,
                                   given.new_memory + i * slots * size, losses, poll);
  std::fill(losses + made.steps, losses + courses.steps, std::numeric_limits<double>::quiet_NaN());
  step_losses.close();
  return made.outcome != Outcome::interrupted;
}

// Networks that see the samples in the same order stand together, so that lanes can share them.
std::vector<long> in_groups(const Courses &courses, int lanes) {
  std::vector<long> members(size_t(courses.networks));
  std::iota(members.begin(), members.end(), 0L);
  if (courses.orders)
    std::stable_sort(members.begin(), members.end(),
                     [&](long a, long b) { return courses.order_of[a] < courses.order_of[b]; });
  while (members.size() % size_t(lanes)) members.push_back(members.back());
  return members;
}

}  // namespace

template <class T> bool fits_lanes(const Data<T> &data, const Objective &objective, const Dropout &dropout) {
  const bool drops = std::any_of(dropout.rates.begin(), dropout.rates.end(), [](double rate) { return rate > 0; });
  return !data.is_sparse() && !std::isfinite(objective.clip) && !drops;
}

template <class T>
Layout faster_layout(const Problem &problem, const Table<T> &table, const Data<T> &data, const Objective &objective,
                     const Dropout &dropout, const Courses &courses, int threads) {
  const double parameters = double(problem.n_parameters());
  if (!fits_lanes(data, objective, dropout) || parameters > most_parameters) return Layout::alone;
  const long groups = in_turns(courses.networks, table.lanes);
  const double beside = std::sqrt(parameters / most_parameters) * double(in_turns(groups, threads) * table.lanes);
  return beside <= double(in_turns(courses.networks, threads)) ? Layout::lanes : Layout::alone;
}

template <class T>
bool sweep(const Problem &problem, Shelf<T> &shelf, const Table<T> &table, const Data<T> &data,
           const Objective &objective, const Dropout &dropout, const Courses &courses, Layout layout, int threads,
           const T *theta, const T *memory, T *new_theta, T *new_memory, double *losses, const Poll &poll) {
  const CallUnderWay here;
  const Given<T> given = {problem, shelf, table, data, objective, dropout, courses, theta, memory,
                          new_theta, new_memory};
  if (layout == Layout::fastest) layout = faster_layout(problem, table, data, objective, dropout, courses, threads);
  const bool in_lanes = layout == Layout::lanes;
  const std::vector<long> members = in_groups(courses, in_lanes ? table.lanes : 1);
  const long size = in_lanes ? table.lanes : 1, groups = long(members.size()) / size;
  const int sharing = std::max(1, threads / std::max(1, calls_under_way.load()));
  const int team = int(std::min<long>(sharing, groups));
  std::vector<std::unique_ptr<LaneRoom<T>>> rooms;
  std::vector<StepLosses> step_losses;
  for (int t = 0; t < team; t++) {
    if (in_lanes) rooms.emplace_back(new LaneRoom<T>(problem, table, data, objective, courses));
    step_losses.emplace_back(courses, size, losses);
  }
  std::atomic<long> next{0};
  std::atomic<bool> stopped{false};
  Crew().run(team, [&](int thread) {
    const Poll ask = [&](long steps, double loss) {  // the caller is asked by its own thread
      if (thread == 0 && poll(steps, loss)) stopped = true;
      return stopped.load();
    };
    Watch watch(ask);
    LaneRoom<T> *room = in_lanes ? rooms[thread].get() : nullptr;
    if (room) watch.listen_in(room->work());
    for (long g; !stopped && (g = next++) < groups;) {
      const auto first = members.begin() + g * size;
      const bool made = room ? train_lanes(given, *room, step_losses[thread], {first, first + size})
                             : train_alone(given, step_losses[thread], *first, ask);
      if (!made) stopped = true;
    }
  });
  return !stopped;
}

#define SCHUSS_FOR(T)                                                                                                \
  template bool fits_lanes<T>(const Data<T> &, const Objective &, const Dropout &);                                 \
  template Layout faster_layout<T>(const Problem &, const Table<T> &, const Data<T> &, const Objective &,           \
                                   const Dropout &, const Courses &, int);                                            \
  template bool sweep<T>(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, const Objective &,         \
                         const Dropout &, const Courses &, Layout, int, const T *, const T *, T *, T *, double *,   \
                         const Poll &);
SCHUSS_FOR(float)
SCHUSS_FOR(double)

}  // namespace schuss
