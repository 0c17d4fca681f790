// Steps of many small networks of one shape, one network in each lane of a vector. Every lane goes through the
// roundings of step.hpp in its order: sums over inputs, units and samples, the loss, the rule. So the bits of a
// network are those that it has when it is trained alone.
#pragma once
#include "lane_products.hpp"
#include "lanes_job.hpp"
#include "losses.hpp"
#include "matmul.hpp"
#include "rules.hpp"
#include "step.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// What feeds layer l, and how far apart its numbers are.
template <class T> struct LaneInput {
  const T *y;
  bool same;
  long unit;
};
template <class T> SCHUSS_INLINE LaneInput<T> lane_input(const LaneJob<T> &job, int l) {
  const bool same = l == 0 && job.same_order;
  return {l == 0 ? job.work->x_batch : job.work->layers[l - 1].y, same, same ? 1 : long(lanes<T>)};
}

// The sample at `place` of the epoch in the middle of which the step stands, of one lane.
template <class T> SCHUSS_INLINE long lane_sample(const LaneJob<T> &job, int lane, long epoch, long place) {
  return job.orders ? job.orders[lane][epoch * job.n + place] : place;
}

// Target j of a sample.
template <class T> SCHUSS_INLINE T lane_target(const Work<T> &work, long sample, int j) {
  return work.t ? work.t[sample * work.t_stride + j] : T(work.classes[sample] == j);
}

// Bring a sample, the same for all lanes, into a row of the batch buffers.
template <class T> SCHUSS_INLINE void lane_row(const LaneJob<T> &job, int row, long sample) {
  const Work<T> &work = *job.work;
  const int n_in = work.layers[0].n_in, n_out = work.layers[work.depth - 1].n_out;
  const T *x = work.x + sample * work.x_stride;
  for (int k = 0; k < n_in; k++) work.x_batch[row * n_in + k] = x[k];
  for (int j = 0; j < n_out; j++) put(work.t_batch, row * n_out + j, all<T>(lane_target(work, sample, j)));
  if (work.weights) put(job.weight_batch, row, all<T>(work.weights[sample]));
}

// Or that of one lane.
template <class T> SCHUSS_INLINE void lane_row(const LaneJob<T> &job, int row, long sample, int lane) {
  const Work<T> &work = *job.work;
  const int n_in = work.layers[0].n_in, n_out = work.layers[work.depth - 1].n_out;
  const T *x = work.x + sample * work.x_stride;
  for (int k = 0; k < n_in; k++) work.x_batch[(row * n_in + k) * lanes<T> + lane] = x[k];
  for (int j = 0; j < n_out; j++)
    work.t_batch[(row * n_out + j) * lanes<T> + lane] = lane_target(work, sample, j);
  if (work.weights) job.weight_batch[row * lanes<T> + lane] = work.weights[sample];
}

// Bring the samples at places [place, place + n) of an epoch into the batch buffers.
template <class T> void lane_gather(const LaneJob<T> &job, long epoch, long place, int n) {
  for (int row = 0; row < n; row++) {
    if (job.same_order) lane_row(job, row, lane_sample(job, 0, epoch, place + row));
    else
      for (int lane = 0; lane < lanes<T>; lane++)
        lane_row(job, row, lane_sample(job, lane, epoch, place + row), lane);
  }
}

template <class T> void lane_forward(const LaneJob<T> &job, int n) {
  const Work<T> &work = *job.work;
  constexpr long L = lanes<T>;
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const LaneInput<T> in = lane_input(job, l);
    lane_multiply<T>({n, layer.n_out, layer.n_in, in.same, in.y, layer.n_in * in.unit, in.unit, layer.w,
                      layer.n_out * L, L, layer.has_bias ? layer.b : nullptr, 0, layer.y, layer.n_out * L});
    if (l < work.depth - 1) activate<T>(layer.activation, layer.y, layer.slope, 0, 1, n * layer.n_out);
  }
}

// δ ← f′(x)·δ
template <class T> void lane_slopes(const Layer<T> &layer, int n) {
  const int vectors = n * layer.n_out;
  switch (layer.activation) {
    case Activation::relu:
      return times_slope_of<T, Activation::relu>(layer.delta, layer.y, layer.slope, 0, 1, vectors);
    case Activation::tanh:
      return times_slope_of<T, Activation::tanh>(layer.delta, layer.y, layer.slope, 0, 1, vectors);
    case Activation::softplus:
    case Activation::silu:
    case Activation::gelu:
      return times_slope_of<T, stored_slope>(layer.delta, layer.y, layer.slope, 0, 1, vectors);
    default: return times_slope<T>(layer.activation, layer.delta, layer.y, layer.slope, 0, 1, vectors);
  }
}

template <class T> void lane_backward(const LaneJob<T> &job, int n) {
  const Work<T> &work = *job.work;
  constexpr long L = lanes<T>;
  for (int l = work.depth - 1; l > 0; l--) {
    const Layer<T> &layer = work.layers[l], &below = work.layers[l - 1];
    lane_multiply<T>({n, layer.n_in, layer.n_out, false, layer.delta, layer.n_out * L, L, layer.w, L,
                      layer.n_out * L, nullptr, 0, below.delta, layer.n_in * L});
    lane_slopes(below, n);
  }
}

constexpr int wide_parts(size_t size) { return int(sizeof(double) / size); }  // vectors of double for one of T

// Outputs of one row lie as `Side` wants them. Errors are added to `loss`, row by row.
template <class T> void lane_losses(const LaneJob<T> &job, int n, VecD (&loss)[wide_parts(sizeof(T))]) {
  const Work<T> &work = *job.work;
  const Layer<T> &out = work.layers[work.depth - 1];
  const bool together = is_free(work.loss) && out.activation != Activation::softmax;  // outputs of all rows first
  if (together) activate<T>(out.activation, out.y, out.slope, 0, 1, n * out.n_out);
  for (int row = 0; row < n; row++) {
    const long first = long(row) * out.n_out * lanes<T>;
    const Side<T> side = {out.n_out, out.y + first, work.t_batch + first, out.delta + first, out.slope + first,
                          work.loss_parameters};
    Vec<T> error = together ? loss_of_outputs(work, side) : loss_of(work, side);
    if (work.weights) {
      const Vec<T> weight = load<T>(job.weight_batch + row * lanes<T>);
      for (int j = 0; j < out.n_out; j++) put(side.delta, j, at(side.delta, j) * weight);
      error = error * weight;
    }
    alignas(64) T errors[lanes<T>];
    store<T>(errors, error);
    for (int i = 0; i < wide_parts(sizeof(T)); i++) loss[i] = loss[i] + load_wide(errors + i * lanes<double>);
  }
}

// The sums over samples of weight and bias gradients, into g.
template <class T> void lane_sums(const LaneJob<T> &job, int n, bool resumes) {
  const Work<T> &work = *job.work;
  constexpr long L = lanes<T>;
  const T one = T(1);
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const LaneInput<T> in = lane_input(job, l);
    lane_multiply<T>({layer.n_in, layer.n_out, n, in.same, in.y, in.unit, layer.n_in * in.unit, layer.delta,
                      layer.n_out * L, L, resumes ? layer.g : nullptr, layer.n_out * L, layer.g, layer.n_out * L});
    if (layer.has_bias)  // weights from a unit whose output is 1, by which a product is exact
      lane_multiply<T>({1, layer.n_out, n, true, &one, 0, 0, layer.delta, layer.n_out * L, L,
                        resumes ? layer.b_g : nullptr, 0, layer.b_g, 0});
  }
}

// What turns sums into new weights, a number for each lane.
template <class T> struct LaneTerms {
  Vec<T> scale, l2, l1, keep;
};

// As gradient_of in update.hpp; a lane without a penalty is left as it is there.
template <class T> SCHUSS_INLINE Vec<T> lane_gradient(Vec<T> sum, Vec<T> w, const LaneTerms<T> &terms) {
  const Vec<T> zero = {};
  Vec<T> penalty = pick<T>(terms.l2 != zero, terms.l2 * w, zero);
  penalty = pick<T>(terms.l1 != zero, penalty + terms.l1 * sign<T>(w), penalty);
  return terms.scale * (penalty - sum);
}

// New values of `count` weights, or of biases, which carry no penalty and do not decay.
template <class T, Rule rule>
SCHUSS_INLINE void lane_apply(const Change<T, rule, Vec<T>> &change, const LaneTerms<T> &terms, bool plain, int count,
                              T *w, const T *g, T *const *memory) {
  for (long i = 0; i < long(count) * lanes<T>; i += lanes<T>) {
    Vec<T> value = load<T>(w + i);
    const Vec<T> sum = load<T>(g + i);
    const Vec<T> gradient = plain ? terms.scale * (Vec<T>{} - sum) : lane_gradient<T>(sum, value, terms);
    if (!plain) value = terms.keep * value;
    Vec<T> remembered[most_memory];
    for (int r = 0; r < memory_rows[int(rule)]; r++) remembered[r] = load<T>(memory[r] + i);
    store<T>(w + i, change(value, remembered, gradient));
    for (int r = 0; r < memory_rows[int(rule)]; r++) store<T>(memory[r] + i, remembered[r]);
  }
}

template <class T, Rule rule>
__attribute__((noinline)) void lane_update(const Work<T> &work, const double *rates, const LaneTerms<T> &terms,
                                           bool plain) {
  const Change<T, rule, Vec<T>> change(rates);
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const int weights = layer.n_in * layer.n_out;
    if (plain) lane_apply<T, rule>(change, terms, true, weights, layer.w, layer.g, layer.memory);
    else lane_apply<T, rule>(change, terms, false, weights, layer.w, layer.g, layer.memory);
    if (layer.has_bias) lane_apply<T, rule>(change, terms, true, layer.n_out, layer.b, layer.b_g, layer.b_memory);
  }
}

// The sum of a block's partial sums, by halves, as sum_block has it.
template <class T> SCHUSS_INLINE Vec<T> lane_block(Vec<T> (&part)[block_lanes<T>]) {
  for (int half = block_lanes<T> / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) part[i] = part[i] + part[i + half];
  return part[0];
}

// Add ½·l2·Σ w² + l1·Σ |w| of row k to `total`; a lane without a penalty adds nothing.
template <class T> void lane_row_penalty(const LaneJob<T> &job, const Layer<T> &layer, int k, double *total) {
  Vec<T> squares[block_lanes<T>] = {}, sizes[block_lanes<T>] = {};
  for (int j = 0; j < layer.n_out; j++) {
    const Vec<T> w = at(layer.w, k * layer.n_out + j);
    const int part = j % block_lanes<T>;
    squares[part] = squares[part] + w * w;
    sizes[part] = sizes[part] + absolute<T>(w);
  }
  const Vec<T> square = lane_block<T>(squares), size = lane_block<T>(sizes);
  for (int lane = 0; lane < lanes<T>; lane++) {
    const double l2 = double(job.l2[lane]), l1 = double(job.l1[lane]);
    if (l2 != 0 || l1 != 0) total[lane] += 0.5 * l2 * double(square[lane]) + l1 * double(size[lane]);
  }
}

// Penalties of the weights before the update.
template <class T> void lane_penalties(const LaneJob<T> &job, double *total) {
  for (int l = 0; l < job.work->depth; l++)
    for (int k = 0; k < job.work->layers[l].n_in; k++) lane_row_penalty(job, job.work->layers[l], k, total);
}

// A number for each lane and step from where each lane has them, side by side.
template <class T>
SCHUSS_INLINE void beside(const double *const *from, long at, int count, double *to) {
  for (int i = 0; i < count; i++)
    for (int lane = 0; lane < lanes<T>; lane++) to[i * lanes<T> + lane] = from[lane][at + i];
}

// What the loss, and with it the gradient, of a batch is multiplied by, as set_scale in advance.cpp has it.
template <class T>
void lane_scales(const LaneJob<T> &job, long epoch, long place, long n, double *scale) {
  for (int lane = 0; lane < lanes<T>; lane++) {
    double total = job.mean ? double(n) : 1.0;
    if (job.mean && job.work->weights) {
      total = 0;
      for (long i = 0; i < n; i++) total += double(job.work->weights[lane_sample(job, lane, epoch, place + i)]);
    }
    scale[lane] = total != 0 ? 1.0 / total : 0.0;
  }
}

// One step of all lanes: the batch comes in chunks, whose sums resume.
template <class T, Rule rule> class LaneSteps {
 public:
  explicit LaneSteps(const LaneJob<T> &job) : job_(job), work_(*job.work), counts_(rate_counts[int(rule)]) {
    const Vec<T> zero = {};
    terms_.l2 = load<T>(job.l2), terms_.l1 = load<T>(job.l1), terms_.keep = all<T>(T(1));
    for (int lane = 0; lane < lanes<T>; lane++)
      penalised_ |= terms_.l2[lane] != zero[lane] || terms_.l1[lane] != zero[lane];
    plain_ = !penalised_ && !job.keeps;
    for (int l = 0; l < work_.depth; l++) flops_ += 6.0 * work_.layers[l].n_in * work_.layers[l].n_out * lanes<T>;
  }

  bool run() {
    const long per_epoch = (job_.n + job_.batch_size - 1) / job_.batch_size;
    long place = job_.first_place, epoch = 0;
    for (long s = 0; s < job_.steps; s++) {
      take_rates(s);
      if (!step(s, epoch, place * job_.batch_size)) return false;
      if (++place == per_epoch) place = 0, epoch++;
      if ((s + 1) % steps_kept == 0 || s + 1 == job_.steps) hand_over_losses(s);
    }
    return true;
  }

 private:
  void take_rates(long s) {
    if (s == 0 || job_.rate_step) beside<T>(job_.rates, s * job_.rate_step, counts_, rates_);
    if (job_.keeps && (s == 0 || job_.keep_step)) {
      alignas(64) double keeps[lanes<T>];
      beside<T>(job_.keeps, s * job_.keep_step, 1, keeps);
      terms_.keep = Numbers<T, Vec<T>>::at(keeps, 0);
    }
  }

  bool step(long s, long epoch, long first) {
    const long n = job_.batch_size < job_.n - first ? job_.batch_size : job_.n - first;
    VecD loss[wide_parts(sizeof(T))] = {};
    alignas(64) double penalty[lanes<T>] = {};
    take_scales(epoch, first, n);
    if (penalised_) lane_penalties(job_, penalty);
    for (long begin = 0; begin < n; begin += work_.chunk) {
      const int rows = n - begin < work_.chunk ? int(n - begin) : work_.chunk;
      if (given_up(work_, flops_ * rows)) return false;
      lane_gather(job_, epoch, first + begin, rows);
      lane_forward(job_, rows);
      lane_losses(job_, rows, loss);
      lane_backward(job_, rows);
      lane_sums(job_, rows, begin > 0);
    }
    for (int i = 0; i < wide_parts(sizeof(T)); i++) {
      const int lane = i * lanes<double>;
      store<double>(losses_[s % steps_kept] + lane,
                    (loss[i] + load<double>(penalty + lane)) * load<double>(loss_scale_ + lane));
    }
    lane_update<T, rule>(work_, rates_, terms_, plain_);
    return true;
  }

  // The losses of the steps up to s that were kept. One step's alone would fall on one set of the cache.
  void hand_over_losses(long s) {
    const long first = s / steps_kept * steps_kept;
    for (int lane = 0; lane < lanes<T>; lane++)
      for (long i = first; i <= s; i++) job_.losses[lane][i] = losses_[i - first][lane];
  }

  void take_scales(long epoch, long first, long n) {
    if (n == scaled_for_ && !work_.weights) return;
    scaled_for_ = n;
    lane_scales(job_, epoch, first, n, loss_scale_);
    terms_.scale = Numbers<T, Vec<T>>::at(loss_scale_, 0);
  }

  const LaneJob<T> &job_;
  const Work<T> &work_;
  const int counts_;
  LaneTerms<T> terms_ = {};
  bool penalised_ = false, plain_ = true;
  double flops_ = 0;
  long scaled_for_ = -1;
  static constexpr long steps_kept = 32;
  alignas(64) double loss_scale_[lanes<T>], rates_[most_rates * lanes<T>], losses_[steps_kept][lanes<T>];
};

template <class T> bool lane_steps(const LaneJob<T> &job) {
  bool made = false;
  with_rule(*job.work, [&](auto rule) { made = LaneSteps<T, rule.value>(job).run(); });
  return made;
}

}  // namespace SCHUSS_ISA
}  // namespace schuss
