#include "sweep.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "calls.hpp"
#include "crew.hpp"
#include "epoch_means.hpp"
#include "lane_room.hpp"

namespace schuss {
namespace {

// Networks with more weights are faster by themselves. Of smaller ones, one in full lanes takes about as little
// of its time alone as the root of its share of these weights: a fit to measurements on AVX-512 in float32.
constexpr double most_parameters = 2000;

constexpr long losses_near = 512;  // of a network: those of sixteen fill 64 KB

long in_turns(long things, long at_once) { return (things + at_once - 1) / at_once; }

template <class T> bool are_finite(const T *numbers, long n) {
  bool finite = true;
  for (long i = 0; i < n; i++) finite &= numbers[i] - numbers[i] == 0;
  return finite;
}

// Some steps of a group of networks.
struct Piece {
  long group, first, last;
  long steps() const { return last - first; }
};

// Where the losses of steps go: to their places, or, where those of epochs are asked for, into a room of one thread,
// which stays near until `close` makes means of them.
class StepLosses {
 public:
  // For `at_once` networks, and in pieces of up to so many steps, if epochs are not longer.
  StepLosses(const Courses &courses, long at_once, long most, double *told)
      : courses_(courses), most_(courses.shares ? whole_epochs(courses, most) : courses.steps), told_(told) {
    if (courses.shares) room_.reset(new double[size_t(std::min(at_once, courses.networks) * most_)]);
  }

  // The piece from step `first` on that there is room for.
  Piece next(const Piece &all, long first) const { return {all.group, first, std::min(all.last, first + most_)}; }

  // Of a piece of network i; asked again and again for the same, it is one place.
  double *of(long i, const Piece &piece) {
    if (!room_) return told_ + i * courses_.steps + piece.first;
    if (members_.empty() || members_.back() != i) members_.push_back(i);
    return room_.get() + long(members_.size() - 1) * most_;
  }

  void close(const Piece &piece) {
    const double *from = room_.get();
    for (const long i : members_) {
      const Piece told = in_told(piece);
      epoch_means(from, courses_.shares, courses_.per_epoch, told.steps(), told_ + i * courses_.told() + told.first);
      from += most_;
    }
    members_.clear();
  }

  bool all_finite(long i, const Piece &piece) const {
    const Piece told = in_told(piece);
    return are_finite(told_ + i * courses_.told() + told.first, told.steps());
  }

 private:
  static long whole_epochs(const Courses &courses, long most) {
    return std::min(courses.steps, std::max(1L, most / courses.per_epoch) * courses.per_epoch);
  }
  // A piece in the unit in which losses are told.
  Piece in_told(const Piece &piece) const {
    const long unit = courses_.shares ? courses_.per_epoch : 1;
    return {piece.group, piece.first / unit, piece.last / unit};
  }

  const Courses &courses_;
  const long most_;
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

  bool *finite;

  // Its orders from the epoch of step `first` on.
  const int32_t *order_of(long i, long first) const {
    const long epoch = (courses.first_place + first) / courses.per_epoch;
    return courses.orders ? courses.orders + courses.order_of[i] * courses.order_length + epoch * data.n : nullptr;
  }

  // Note of network i whether what came of a piece is finite, and all before it.
  void look_at(long i, const Piece &piece, const StepLosses &losses) const {
    const long size = long(problem.n_parameters()), slots = memory_rows[int(courses.rule)];
    finite[i] = (piece.first == 0 || finite[i]) && losses.all_finite(i, piece) &&
                are_finite(new_theta + i * size, size) && are_finite(new_memory + i * slots * size, slots * size);
  }
};

// Steps of the networks in a room.
template <class T>
bool run_lanes(const Given<T> &given, LaneRoom<T> &room, StepLosses &step_losses, const std::vector<long> &members,
               const Piece &piece) {
  const Courses &courses = given.courses;
  const int lanes = given.table.lanes;
  std::vector<const int32_t *> orders(lanes);
  std::vector<const double *> rates(lanes), keeps(lanes);
  std::vector<double *> losses(lanes);
  bool same = true;
  for (int lane = 0; lane < lanes; lane++) {
    const long i = members[lane];
    orders[lane] = given.order_of(i, piece.first);
    same = same && orders[lane] == orders[0];
    rates[lane] = courses.rates.of(i, piece.first);
    keeps[lane] = courses.keeps.first ? courses.keeps.of(i, piece.first) : nullptr;
    losses[lane] = step_losses.of(i, piece);
    room.l2()[lane] = T(courses.l2[i]);
    room.l1()[lane] = T(courses.l1[i]);
  }
  const long place = (courses.first_place + piece.first) % courses.per_epoch;
  const LaneJob<T> job = {&room.work(), given.data.n, courses.batch_size, piece.steps(), place,
                          given.objective.mean, courses.orders ? orders.data() : nullptr, same, rates.data(),
                          courses.rates.step, courses.keeps.first ? keeps.data() : nullptr, courses.keeps.step,
                          room.l2(), room.l1(), room.weight_batch(), losses.data()};
  return given.table.lane_steps(job);
}

// The networks `members`, one a lane. Those beyond the last network repeat it: what they write is the same.
template <class T>
bool train_lanes(const Given<T> &given, LaneRoom<T> &room, StepLosses &step_losses, const std::vector<long> &members,
                 const Piece &piece) {
  const bool begins = piece.first == 0;  // or goes on where another piece ended
  room.pack(members, begins ? given.theta : given.new_theta, begins ? given.memory : given.new_memory);
  for (long first = piece.first; first < piece.last;) {
    const Piece part = step_losses.next(piece, first);
    if (!run_lanes(given, room, step_losses, members, part)) return false;
    step_losses.close(part);
    first = part.last;
  }
  room.unpack(members, given.new_theta, given.new_memory);
  for (const long i : members) given.look_at(i, piece, step_losses);
  return true;
}

// The numbers of one network for each step.
std::vector<double> each_step(const Numbered &numbered, long i, long steps, int count) {
  std::vector<double> numbers;
  for (long s = 0; numbered.first && s < steps; s++) {
    const double *from = numbered.of(i, s);
    numbers.insert(numbers.end(), from, from + count);
  }
  return numbers;
}

template <class T>
bool train_alone(const Given<T> &given, StepLosses &step_losses, long i, const Piece &whole, const Poll &poll) {
  const Courses &courses = given.courses;
  const std::vector<double> rates = each_step(courses.rates, i, courses.steps, rate_counts[int(courses.rule)]);
  const std::vector<double> keeps = each_step(courses.keeps, i, courses.steps, 1);
  const Course course = {given.order_of(i, 0), courses.batch_size, courses.steps, courses.first_place, courses.rule,
                         rates.data(), courses.keeps.first ? keeps.data() : nullptr, false};
  Objective objective = given.objective;
  objective.l2 = courses.l2[i], objective.l1 = courses.l1[i];
  Dropout dropout = given.dropout;
  dropout.seed = courses.seeds[i];
  const size_t size = given.problem.n_parameters(), slots = size_t(memory_rows[int(courses.rule)]);
  double *losses = step_losses.of(i, whole);
  const Progress made = advance<T>(given.problem, given.shelf, given.table, given.data, objective, dropout, course, 1,
                                   given.theta + i * size, given.memory + i * slots * size, given.new_theta + i * size,
                                   given.new_memory + i * slots * size, losses, poll);
  std::fill(losses + made.steps, losses + courses.steps, std::numeric_limits<double>::quiet_NaN());
  step_losses.close(whole);
  given.look_at(i, whole, step_losses);
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

// The pieces in the order in which threads take them. Groups that are more than whole rounds of all threads are cut
// into a piece for each thread: begun first and ended last, so that no thread is left alone with one.
std::vector<Piece> pieces_of(const Courses &courses, long groups, int team, bool in_lanes) {
  const long unit = courses.shares ? courses.per_epoch : 1, units = courses.steps / unit;
  const long cut = in_lanes && groups > team ? groups % team : 0, whole = groups - cut;
  std::vector<Piece> pieces;
  for (long part = 0, g = 0; part < team; part++) {
    for (long c = whole; c < groups; c++) {
      const Piece piece = {c, units * part / team * unit, units * (part + 1) / team * unit};
      if (piece.steps() > 0) pieces.push_back(piece);
    }
    for (; g * (team - 1) < whole * (part + 1) && g < whole; g++) pieces.push_back({g, 0, courses.steps});
  }
  return pieces;
}

// What threads share.
struct Queue {
  Queue(std::vector<Piece> all, long groups, int team)
      : pieces(std::move(all)), made(size_t(groups)), errors(size_t(team)) {}

  // The next piece, once those before it of its group are made; null: none, or it is time to stop. `wait` is called
  // while others work, with how often it was before.
  template <class F> const Piece *take(F wait) {
    const size_t i = next++;
    if (i >= pieces.size()) return nullptr;
    for (long n = 0; made[size_t(pieces[i].group)] != pieces[i].first && !stopped; n++) wait(n);
    return stopped ? nullptr : &pieces[i];
  }

  void end(const Piece &piece) {
    made[size_t(piece.group)] = piece.last;
    ended++;
  }
  bool is_over() const { return stopped || ended == pieces.size(); }

  const std::vector<Piece> pieces;
  std::vector<std::atomic<long>> made;  // steps of each group
  std::atomic<size_t> next{0}, ended{0};
  std::atomic<bool> stopped{false};
  std::vector<std::exception_ptr> errors;  // of each thread
};

}  // namespace

template <class T>
bool fits_lanes(const Table<T> &table, const Data<T> &data, const Objective &objective, const Dropout &dropout) {
  const bool drops = std::any_of(dropout.rates.begin(), dropout.rates.end(), [](double rate) { return rate > 0; });
  return table.lane_steps && !data.is_sparse() && !std::isfinite(objective.clip) && !drops;
}

template <class T>
Layout faster_layout(const Problem &problem, const Table<T> &table, const Data<T> &data, const Objective &objective,
                     const Dropout &dropout, const Courses &courses, int threads) {
  const double parameters = double(problem.n_parameters());
  if (!fits_lanes(table, data, objective, dropout) || parameters > most_parameters) return Layout::alone;
  const long groups = in_turns(courses.networks, table.lanes);
  const double beside = std::sqrt(parameters / most_parameters) * double(in_turns(groups, threads) * table.lanes);
  return beside <= double(in_turns(courses.networks, threads)) ? Layout::lanes : Layout::alone;
}

template <class T>
bool sweep(const Problem &problem, Shelf<T> &shelf, const Table<T> &table, const Data<T> &data,
           const Objective &objective, const Dropout &dropout, const Courses &courses, Layout layout, int threads,
           const T *theta, const T *memory, T *new_theta, T *new_memory, double *losses, bool *finite,
           const Poll &poll) {
  const CallUnderWay here;
  const Given<T> given = {problem, shelf, table, data, objective, dropout, courses, theta, memory,
                          new_theta, new_memory, finite};
  if (layout == Layout::fastest) layout = faster_layout(problem, table, data, objective, dropout, courses, threads);
  const bool in_lanes = layout == Layout::lanes;
  const std::vector<long> members = in_groups(courses, in_lanes ? table.lanes : 1);
  const long size = in_lanes ? table.lanes : 1, groups = long(members.size()) / size;
  const int sharing = threads_left(threads);
  const int team = int(std::min<long>(sharing, groups));
  std::vector<std::unique_ptr<LaneRoom<T>>> rooms;
  std::vector<StepLosses> step_losses;
  for (int t = 0; t < team; t++) {
    if (in_lanes) rooms.emplace_back(new LaneRoom<T>(problem, table, data, objective, courses));
    step_losses.emplace_back(courses, size, in_lanes ? losses_near : courses.steps, losses);
  }
  Queue queue(pieces_of(courses, groups, team, in_lanes), groups, team);
  const auto work_through = [&](int thread) {
    const Poll ask = [&](long steps, double loss) {  // the caller is asked by its own thread
      if (thread == 0 && poll(steps, loss)) queue.stopped = true;
      return queue.stopped.load();
    };
    Watch watch(ask);
    const auto wait = [&](long moments) { watch.wait(moments); };
    LaneRoom<T> *room = in_lanes ? rooms[thread].get() : nullptr;
    if (room) watch.listen_in(room->work());
    while (const Piece *piece = queue.take(wait)) {
      const auto first = members.begin() + piece->group * size;
      const bool made = room ? train_lanes(given, *room, step_losses[thread], {first, first + size}, *piece)
                             : train_alone(given, step_losses[thread], *first, *piece, ask);
      if (made) queue.end(*piece);
      else queue.stopped = true;
    }
    for (long n = 0; thread == 0 && !queue.is_over(); n++) wait(n);  // Ctrl-C is heard by this thread alone
  };
  KeptCrew::run(team, [&](int thread) {
    try {
      work_through(thread);
    } catch (...) {  // such as no memory: none of the others must lose what stands on this call's stack
      queue.errors[size_t(thread)] = std::current_exception();
      queue.stopped = true;
    }
  });
  for (const std::exception_ptr &error : queue.errors)
    if (error) std::rethrow_exception(error);
  return !queue.stopped;
}

#define SCHUSS_FOR(T)                                                                                                \
  template bool fits_lanes<T>(const Table<T> &, const Data<T> &, const Objective &, const Dropout &);               \
  template Layout faster_layout<T>(const Problem &, const Table<T> &, const Data<T> &, const Objective &,           \
                                   const Dropout &, const Courses &, int);                                            \
  template bool sweep<T>(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, const Objective &,         \
                         const Dropout &, const Courses &, Layout, int, const T *, const T *, T *, T *, double *,   \
                         bool *, const Poll &);
SCHUSS_FOR(float)
SCHUSS_FOR(double)

}  // namespace schuss
