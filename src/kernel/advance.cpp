#include "advance.hpp"

#include "batches.hpp"
#include "calls.hpp"
#include "crew.hpp"
#include "watch.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace schuss {
namespace {

constexpr double flops_per_thread = 4e6;  // work in a step that pays for meeting at its barriers
constexpr double lane_speed = 2e9;        // flops per second and lane that the slowest processors reach

int threads_worth(double flops, int most) {
  return std::max(1, int(std::min(double(most), flops / flops_per_thread)));
}
int threads_for(double flops, int most) { return threads_worth(flops, threads_left(most)); }

// With sparse rows the update still passes over all weights, which takes as long as so many flops for each.
constexpr double flops_per_visit = 8;

// How many inputs of a dense sample take as long as those of one of these.
template <class T> double inputs_of(const Problem &problem, const Data<T> &data) {
  if (!data.is_sparse()) return problem.layers.front();
  return sparse_effort * double(data.sparse.starts[data.n] - data.sparse.starts[0]) / double(std::max(data.n, 1L));
}

template <class T> void set_data(Work<T> &work, const Problem &problem, const Data<T> &data) {
  work.n_samples = data.n;
  work.x = data.x;
  work.sparse = data.sparse;
  work.t = data.t;
  work.classes = data.classes;
  work.weights = data.weights;
  work.x_stride = problem.layers.front();
  work.t_stride = problem.layers.back();
}

template <class T> void set_objective(Work<T> &work, const Objective &objective) {
  work.l2 = T(objective.l2);
  work.l1 = T(objective.l1);
  work.as_scikit_learn = objective.as_scikit_learn;
  work.clip = objective.clip;
  work.clips = std::isfinite(objective.clip);
}

template <class T> void set_dropout(Work<T> &work, const Dropout &dropout) {
  work.dropout_seed = dropout.seed;
  work.dropout_step = uint32_t(dropout.step);
}

// How much the samples of a batch count in all, added up in their order.
template <class T> double total_weight(const Data<T> &data, const Batch &batch) {
  if (!data.weights) return double(batch.n);
  double total = 0;
  for (long i = 0; i < batch.n; i++) total += double(data.weights[batch.order ? batch.order[i] : batch.first + i]);
  return total;
}

template <class T>
void set_scale(Work<T> &work, const Objective &objective, const Data<T> &data, const Batch &batch) {
  const double total = objective.mean ? total_weight(data, batch) : 1.0;
  work.loss_scale = total != 0 ? 1.0 / total : 0.0;
  work.scale = T(work.loss_scale);
}

// Whether weights that no sample of a batch meets can be left for later: where nobody asks for all of them.
template <class T> bool may_lag(const Data<T> &data, const Objective &objective, const Course &course, bool apart) {
  const bool rests = course.rule == Rule::gradient_descent && !course.keeps;  // they do not change at all
  return data.is_sparse() && !rests && !apart && objective.l2 == 0 && objective.l1 == 0;
}

// Weights that lag behind have no length, nor would they everywhere have one where a long update does not let them.
template <class T> void leave_out(Work<T> &work, int thread) {
  if (thread == 0) std::fill(work.norms, work.norms + 3, T(std::nan("")));
  work.norms = nullptr;
}

// A stretch as one of its threads makes it; every thread takes the same decisions.
template <class T>
Progress make_steps(Work<T> &work, const Workspace<T> &space, const Table<T> &table, const Data<T> &data,
                    const Objective &objective, const Course &course, const Stretch &stretch, bool stays, int thread,
                    Watch &watch, StepClock &clock, double *losses, const Norms<T> &norms) {
  Team &team = *work.team;
  Batches batches(course, data.n, stretch);
  NormRows<T> rows(norms, stretch);
  Stopwatch step_time;
  work.dropout_step += uint32_t(stretch.first);
  for (long s = stretch.first; s < stretch.last; s++, work.dropout_step++) {
    const Batch batch = batches.now();
    const bool epoch_ends = batches.advance();
    work.next = batches.now();
    work.number = s;
    work.is_first = s == stretch.first;
    work.rates = course.rates + s * rate_counts[int(course.rule)];
    work.keep = course.keeps ? T(course.keeps[s]) : T(1);
    set_scale(work, objective, data, batch);
    work.last_step = s + 1 == course.steps && !stays;
    work.norms = rows.of(s);
    if (work.norms && may_lag(data, objective, course, work.clips)) leave_out(work, thread);
    const auto part = [&] { return double(last_rows(batch.n, work.chunk)) / double(batch.n); };
    work.judge = nullptr;
    if (work.may_be_apart && thread == 0 && work.is_first) watch.judge_in(work, part());
    if (!table.step(work, batch, thread)) return {s, Outcome::interrupted};
    work.number = s + 1;
    if (work.may_be_apart && thread == 0) team.apart_from = watch.apart_from(work, step_time.lap(), part());
    clock.made();
    const double loss = team.step_loss;
    if (thread == 0) losses[s] = loss, watch.at(s + 1, loss);
    if (!std::isfinite(loss)) return {s + 1, Outcome::not_finite};
    if (epoch_ends || course.check_each_step) {
      if (work.lags) table.settle(work, thread), meet(team);
      if (!space.finite(thread, team.threads)) __atomic_store_n(&team.finite, 0, __ATOMIC_RELAXED);
      meet(team);
      if (!__atomic_load_n(&team.finite, __ATOMIC_RELAXED)) return {s + 1, Outcome::not_finite};
    }
  }
  return {stretch.last, Outcome::done};
}

// Whether a workspace is huge whatever else it holds.
template <class T> bool is_huge_state(const Problem &problem, int slots) {
  return problem.n_parameters() * size_t(1 + slots) * sizeof(T) > Room<T>::most_bytes;
}

// A state into a huge workspace, for which it makes way as it goes.
template <class T> void pour_in(Workspace<T> &space, Crew &crew, int threads, T *theta, T *memory) {
  for (int piece = 0; piece < space.pieces(); piece++) {
    crew.run(threads, [&](int thread) { space.pack_piece(piece, theta, memory, thread, threads); });
    space.let_go_packed(piece, theta, memory);
  }
}

// The state out of a huge workspace, which makes way for it as it comes.
template <class T> void pour_out(Workspace<T> &space, Crew &crew, int threads, T *theta, T *memory) {
  space.let_go_scratch();
  for (int piece = 0; piece < space.pieces(); piece++) {
    crew.run(threads, [&](int thread) { space.unpack_piece(piece, theta, memory, thread, threads); });
    space.let_go_piece(piece);
  }
}

}  // namespace

template <class T> bool is_narrow(const Problem &problem, const Table<T> &table) {
  const int widest = *std::max_element(problem.layers.begin(), problem.layers.end());
  return widest <= table.narrow && !table.in_pairs;
}

template <class T>
Progress advance(const Problem &problem, Shelf<T> &shelf, const Table<T> &table, const Data<T> &data,
                 const Objective &objective, const Dropout &dropout, const Course &course, int threads,
                 const T *theta, const T *memory, T *new_theta, T *new_memory, double *losses, const Poll &poll,
                 const Observation<T> *observation, const Norms<T> &norms, Kept<T> kept) {
  const CallUnderWay here;
  const int rows = int(std::min<long>(course.batch_size, chunk_rows));
  const int slots = memory_rows[int(course.rule)];
  const double inputs = inputs_of(problem, data);
  const double visits = data.is_sparse() ? double(problem.layers[0]) * problem.layers[1] : 0.0;
  const double of_sample = problem.flops_per_sample(inputs), of_update = 2.0 * problem.parameters_met(inputs);
  const double flops = of_sample * double(course.batch_size) + flops_per_visit * visits;
  Pace pace = shelf.pace(course.batch_size, threads_worth(flops, threads));
  pace.allow(threads_left(threads));
  const int most = pace.most();
  const double update = of_update * rows / (lane_speed * table.lanes);
  const double longest = is_huge_state<T>(problem, slots) ? long_huge_update : long_update;
  const bool clips = std::isfinite(objective.clip), may_be_long = update > longest;
  const bool narrow = most == 1 && is_narrow(problem, table) && !data.is_sparse() && dropout.rates.empty();
  const bool gradients = narrow || clips || may_be_long || course.batch_size > rows ||
                         (data.is_sparse() && norms.every > 0);
  const int rows_held = narrow ? std::max(rows, table.narrow) : rows;  // for a block of beside.hpp
  const Needs needs = {most, rows_held, true, slots, gradients, data.is_sparse(), dropout.rates};
  typename Room<T>::Item space;
  Ticket ticket = 0;
  if (kept.room) std::tie(space, ticket) = kept.room->take(problem, table, needs);
  if (!space) space = shelf.take(problem, table, needs);
  const bool is_large = space->bytes() > Shelf<T>::most_bytes, is_huge = space->bytes() > Room<T>::most_bytes;
  const bool stays = kept.room && is_large && !is_huge && !data.is_sparse();
  Team team;
  Watch watch(poll, longest, std::min(0.5, of_update / of_sample));
  std::unique_ptr<Crew> threads_kept = kept.room ? kept.room->take_crew() : std::make_unique<Crew>();
  Crew &crew = *threads_kept;
  const auto carriers = [&] { return is_large ? pace.threads() : 1; };
  const bool is_known = ticket && ticket == kept.ticket;
  const bool is_spare = theta == new_theta && memory == new_memory;
  if (is_huge && is_spare) pour_in(*space, crew, carriers(), new_theta, new_memory);
  else if (!is_known) crew.run(carriers(), [&](int thread) { space->pack(theta, memory, thread, carriers()); });
  Stopwatch stopwatch;
  Progress progress{};
  double each = 0;  // seconds of a step
  while (progress.outcome == Outcome::done && progress.steps < course.steps) {
    pace.allow(threads_left(threads));  // others come and go
    const Stretch stretch = {progress.steps, std::min(course.steps, progress.steps + pace.steps())};
    team.threads = pace.threads();
    team.waited = 0;
    for (Pair &pair : team.pairs) pair.next = 0;
    double at_work = 0;  // seconds, of the first thread
    crew.run(team.threads, [&](int thread) {
      Work<T> work = space->work(team, thread);
      set_data(work, problem, data);
      set_dropout(work, dropout);
      set_objective(work, objective);
      work.rule = course.rule;
      work.all_rates = course.rates;
      work.all_keeps = course.keeps;
      work.narrow = narrow;
      work.apart_from = narrow || clips || may_be_long ? 0 : work.depth;
      work.may_be_apart = may_be_long && !clips;
      work.by_rows = clips || data.is_sparse() || !dropout.rates.empty();
      work.lags = !observation && may_lag(data, objective, course, work.apart_from < work.depth);
      if (thread == 0) watch.listen_in(work), work.observation = observation;
      StepClock clock(stretch.last - stretch.first);
      const double before = processor_seconds();
      const Progress made =
          make_steps(work, *space, table, data, objective, course, stretch, stays, thread, watch, clock, losses,
                     norms);
      table.settle(work, thread);
      if (thread == 0) progress = made, each = clock.each(), at_work = processor_seconds() - before;
    });
    at_work -= 1e-9 * double(team.waited) / std::max(1, team.threads - 1);
    const double seconds = stopwatch.lap();
    pace.note(each, seconds, at_work / seconds);
  }
  shelf.put(course.batch_size, pace);
  if (is_huge) pour_out(*space, crew, carriers(), new_theta, new_memory);
  else crew.run(carriers(), [&](int thread) { space->unpack(new_theta, new_memory, thread, carriers()); });
  if (kept.room) kept.room->put(std::move(threads_kept));
  if (stays && progress.outcome == Outcome::done) progress.ticket = new_ticket();
  if (stays) kept.room->put(problem, std::move(space), progress.ticket);
  else if (!is_huge) shelf.put(std::move(space));
  return progress;
}

template <class T>
double gradient(const Problem &problem, Shelf<T> &shelf, const Table<T> &table, const Data<T> &data,
                const Objective &objective, const Dropout &dropout, int threads, const T *theta, T *gradient,
                const Poll &poll) {
  const CallUnderWay here;
  const int rows = int(std::min<long>(data.n, chunk_rows));
  const double flops = problem.flops_per_sample(inputs_of(problem, data)) / (gradient ? 1 : 3);
  Team team;
  team.threads = threads_for(flops * double(data.n), threads);
  const bool training = gradient != nullptr;
  const Needs needs = {team.threads, rows, training, 0, training, data.is_sparse(), dropout.rates};
  auto space = shelf.take(problem, table, needs);
  Watch watch(poll);
  const Batch all = {nullptr, 0, data.n};
  KeptCrew::run(team.threads, [&](int thread) {
    Work<T> work = space->work(team, thread);
    set_data(work, problem, data);
    set_dropout(work, dropout);
    set_objective(work, objective);
    set_scale(work, objective, data, all);
    if (thread == 0) watch.listen_in(work);
    work.clips = work.clips && gradient;
    work.by_rows = work.clips || data.is_sparse() || !dropout.rates.empty();
    work.update = false;
    work.only_loss = !gradient;
    space->pack(theta, nullptr, thread, team.threads);
    if (meet(team)) return;
    table.step(work, all, thread);
  });
  const bool is_large = space->bytes() > Shelf<T>::most_bytes;
  if (is_large && gradient) space->let_go_all_but_gradient();
  if (gradient) space->unpack_gradient(gradient);
  if (!is_large) shelf.put(std::move(space));
  return team.step_loss;
}

template <class T>
void curvature_product(const Problem &problem, Shelf<T> &shelf, const Table<T> &table, const Data<T> &data,
                       const Objective &objective, int threads, const T *theta, const T *vector, T *product,
                       const Poll &poll) {
  const CallUnderWay here;
  const int rows = int(std::min<long>(data.n, chunk_rows));
  Team team;
  // they meet at every chunk, and go through some two gradients in between
  team.threads = threads_for(2 * problem.flops_per_sample(problem.layers.front()) * rows, threads);
  const Needs needs = {team.threads, rows, true, 0, true, false, {}, true};
  auto space = shelf.take(problem, table, needs), moved_space = shelf.take(problem, table, needs);
  space->pack(theta, nullptr);
  moved_space->pack(vector, nullptr);
  Watch watch(poll);
  const Batch all = {nullptr, 0, data.n};
  std::vector<Layer<T>> layers;  // of the vector, with the error signals of the weights
  const Work<T> at = space->work(team, 0), moving = moved_space->work(team, 0);
  for (int l = 0; l < at.depth; l++) {
    layers.push_back(moving.layers[l]);
    layers.back().delta = at.layers[l].delta;
  }
  KeptCrew::run(team.threads, [&](int thread) {
    Work<T> work = space->work(team, thread), moved = moved_space->work(team, thread);
    for (Work<T> *each : {&work, &moved}) {
      set_data(*each, problem, data);
      set_scale(*each, objective, data, all);
      each->l2 = T(objective.l2);
      each->by_rows = true;
    }
    Work<T> crossed = moved;
    crossed.layers = layers.data();
    if (thread == 0) watch.listen_in(work);
    table.bend(work, moved, crossed, all, thread);
  });
  moved_space->unpack_gradient(product);
  shelf.put(std::move(space));
  shelf.put(std::move(moved_space));
}

template <class T>
void outputs(const Problem &problem, Shelf<T> &shelf, const Table<T> &table, const Data<T> &data, int threads,
             const T *theta, T *y, const Poll &poll, const Workspace<T> *lender) {
  const CallUnderWay here;
  const long n = data.n;
  const int team_size = threads_for(problem.flops_per_sample(inputs_of(problem, data)) / 3 * double(n), threads);
  const long share = (n + team_size - 1) / team_size;
  const int rows = int(std::min<long>(share + share % 2, chunk_rows));  // even, so that no pair belongs to two threads
  const Needs needs = {team_size, rows * team_size, false, 0, false, data.is_sparse()};
  auto space = shelf.take(problem, table, needs, lender);
  if (theta) space->pack(theta, nullptr);
  Team team;
  Watch watch(poll);
  const int n_out = problem.layers.back();
  KeptCrew::run(team_size, [&](int thread) {
    Work<T> work = space->work(team, thread);
    set_data(work, problem, data);
    if (thread == 0) watch.listen_in(work);
    const Layer<T> &out = work.layers[work.depth - 1];
    const long last = n * (thread + 1) / team_size;
    for (long first = n * thread / team_size; first < last; first += rows) {
      const int count = int(std::min<long>(rows, last - first));
      table.outputs(work, first, thread * rows, count);
      if (__atomic_load_n(&team.cancel, __ATOMIC_RELAXED)) return;
      for (int r = 0; r < count; r++) {
        const T *from = out.y + (long(thread) * rows + r) * out.stride;
        std::copy(from, from + n_out, y + (first + r) * n_out);
      }
    }
  });
  shelf.put(std::move(space));
}

#define SCHUSS_FOR(T)                                                                                              \
  template bool is_narrow<T>(const Problem &, const Table<T> &);                                                    \
  template Progress advance<T>(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, const Objective &, \
                               const Dropout &, const Course &, int, const T *, const T *, T *, T *, double *,    \
                               const Poll &, const Observation<T> *, const Norms<T> &, Kept<T>);                  \
  template double gradient<T>(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, const Objective &,  \
                              const Dropout &, int, const T *, T *, const Poll &);                                \
  template void curvature_product<T>(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &,              \
                                     const Objective &, int, const T *, const T *, T *, const Poll &);            \
  template void outputs<T>(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, int, const T *, T *,   \
                           const Poll &, const Workspace<T> *);
SCHUSS_FOR(float)
SCHUSS_FOR(double)

}  // namespace schuss
