// Steps of many small networks of one shape, one network in each lane of a vector. Every lane goes through the
// roundings of step.hpp in its order: sums over inputs, units and samples, the loss, the rule. So the bits of a
// network are those that it has when it is trained alone.
#pragma once
#include "lane_activations.hpp"
#include "lane_first.hpp"
#include "lane_gather.hpp"
#include "lane_products.hpp"
#include "lanes_job.hpp"
#include "losses.hpp"
#include "matmul.hpp"
#include "rules.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// What feeds layer l, and how far apart its rows are.
template <class T> struct LaneInput {
  const T *y;
  bool same;
  long next;
};
template <class T> SCHUSS_INLINE LaneInput<T> lane_input(const LaneJob<T> &job, int l) {
  const bool same = l == 0 && job.same_order;
  return {l == 0 ? job.work->x_batch : job.work->layers[l - 1].y, same,
          job.work->layers[l].n_in * (same ? 1L : long(lanes<T>))};
}

// Whether a loss is one of outputs whose activation is applied to each by itself.
template <class T> SCHUSS_INLINE bool takes_outputs(const Work<T> &work) {
  return is_free(work.loss) && work.layers[work.depth - 1].activation != Activation::softmax;
}

template <class T> void lane_forward(const LaneJob<T> &job, int n) {
  const Work<T> &work = *job.work;
  constexpr long L = lanes<T>;
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const LaneInput<T> in = lane_input(job, l);
    const LaneProduct<T> product = {n, layer.n_out, layer.n_in, in.same, in.y, in.next, layer.w, layer.n_out * L, L,
                                    layer.y, layer.n_out * L, layer.has_bias ? layer.b : nullptr, false, nullptr};
    if (l == 0 && layer.has_bias && layer.n_in <= few_inputs)
      lane_first_net_inputs(in.y, in.next, in.same, layer, n);
    else if (layer.n_out == 1 && !in.same) lane_single_unit<T>(in.y, layer.n_in, layer.w, product.bias, layer.y, n);
    else lane_multiply<T, LaneSums::net_inputs>(product);
    if (l < work.depth - 1 && layer.activation == Activation::tanh)  // slopes come from the outputs
      tanh_along(layer.y, n * layer.n_out);
    else if (l < work.depth - 1 || takes_outputs(work))
      activate_with_slopes<T>(layer.activation, layer.y, layer.delta, n * layer.n_out);
  }
}

// Whether the first layer's error signals are made where its gradient is: each goes into the sums of all inputs, for
// which there are registers where these are few.
template <class T> SCHUSS_INLINE bool first_in_one(const Work<T> &work) {
  const Layer<T> &first = work.layers[0];
  return work.depth > 1 && first.activation == Activation::tanh && first.n_in <= few_inputs;
}

template <class T> void lane_backward(const LaneJob<T> &job, int n) {
  const Work<T> &work = *job.work;
  constexpr long L = lanes<T>;
  for (int l = work.depth - 1; l > first_in_one(work); l--) {
    const Layer<T> &layer = work.layers[l], &below = work.layers[l - 1];
    const LaneProduct<T> product = {n, layer.n_in, layer.n_out, false, layer.delta, layer.n_out * L, layer.w, L,
                                    layer.n_out * L, below.delta, layer.n_in * L, nullptr, false, below.y};
    if (below.activation == Activation::tanh) lane_multiply<T, LaneSums::signals_to_tanh>(product);
    else lane_multiply<T, LaneSums::signals>(product);
  }
}

// Errors of the samples, row by row.
template <class T> struct LaneErrors {
  VecD sum[wide_parts<T>] = {};

  __attribute__((always_inline)) void add(Vec<T> error) {
    for (int i = 0; i < wide_parts<T>; i++) sum[i] = sum[i] + widened(error, i);
  }
};

// From outputs and slopes: E, and δ. A type of its own for each loss, so that the loop over rows holds it inline.
template <class T, Loss loss> struct LaneError {
  __attribute__((always_inline)) Vec<T> operator()(const Work<T> &work, const Side<T> &s) const {
    Vec<T> error = {};
    for (int j = 0; j < s.n; j++) {
      Vec<T> value;
      const Vec<T> e = error_of<T>(loss, s.parameter[j], s.n, at(s.y, j), at(s.t, j), value);
      error = error + value;
      put(s.delta, j, at(s.delta, j) * e);
    }
    return loss == Loss::squared_error && work.as_scikit_learn ? error / all<T>(T(s.n)) : error;
  }
};

// Outputs of one row lie as `Side` wants them.
template <bool weighted, bool single, class T, class F>
SCHUSS_INLINE void lane_errors(const LaneJob<T> &job, int n, LaneErrors<T> &total, F f) {
  const Work<T> &work = *job.work;
  LaneErrors<T> errors = total;  // in registers
  const Layer<T> &out = work.layers[work.depth - 1];
  const int n_out = single ? 1 : out.n_out;
  for (int row = 0; row < n; row++) {
    const long first = long(row) * n_out * lanes<T>;
    const Side<T> side = {n_out, out.y + first, work.t_batch + first, out.delta + first, nullptr,
                          work.loss_parameters};
    Vec<T> error = f(work, side);
    if (weighted) {
      const Vec<T> weight = load<T>(job.weight_batch + row * lanes<T>);
      for (int j = 0; j < n_out; j++) put(side.delta, j, at(side.delta, j) * weight);
      error = error * weight;
    }
    errors.add(error);
  }
  total = errors;
}

template <class T> void lane_losses(const LaneJob<T> &job, int n, LaneErrors<T> &errors) {
  const auto rows = [&](auto f) {
    if (job.work->weights) lane_errors<true, false>(job, n, errors, f);
    else if (job.work->layers[job.work->depth - 1].n_out == 1) lane_errors<false, true>(job, n, errors, f);
    else lane_errors<false, false>(job, n, errors, f);
  };
  if (!takes_outputs(*job.work)) return rows([](const Work<T> &work, const Side<T> &s) { return loss_of<T>(work, s); });
  switch (job.work->loss) {
    case Loss::mean_squared_error: return rows(LaneError<T, Loss::mean_squared_error>{});
    case Loss::absolute: return rows(LaneError<T, Loss::absolute>{});
    case Loss::huber: return rows(LaneError<T, Loss::huber>{});
    case Loss::quantile: return rows(LaneError<T, Loss::quantile>{});
    default: return rows(LaneError<T, Loss::squared_error>{});
  }
}

// How many layers have their gradients made there.
template <class T> SCHUSS_INLINE int layers_in_one(const Work<T> &work) {
  return !first_in_one(work) ? 0 : work.layers[1].n_out == 1 ? 2 : 1;
}

template <class T> void lane_first_sums(const LaneJob<T> &job, int n, bool resumes) {
  const Work<T> &work = *job.work;
  const Layer<T> &first = work.layers[0], &second = work.layers[1];
  const LaneInput<T> in = lane_input(job, 0);
  const LaneFirst<T> sums = {n, first.n_out, second.n_out, in.y, in.next, first.y, second.delta, second.w, first.g,
                             first.has_bias ? first.b_g : nullptr, resumes,
                             layers_in_one(work) == 2 ? second.g : nullptr, second.has_bias ? second.b_g : nullptr};
  lane_first_sums_of(sums, in.same, first.n_in);
}

// The sums over samples of weight and bias gradients, into g.
template <class T> void lane_sums(const LaneJob<T> &job, int n, bool resumes) {
  const Work<T> &work = *job.work;
  constexpr long L = lanes<T>;
  const int made = layers_in_one(work);
  if (made > 0) lane_first_sums(job, n, resumes);
  for (int l = made; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const LaneInput<T> in = lane_input(job, l);
    lane_multiply<T, LaneSums::gradients>({layer.n_in, layer.n_out, n, in.same, in.y, in.next, layer.delta,
                                           layer.n_out * L, L, layer.g, layer.n_out * L,
                                           layer.has_bias ? layer.b_g : nullptr, resumes, nullptr});
  }
}

// What turns sums into new weights, a number for each lane.
template <class T> struct LaneTerms {
  Vec<T> scale, l2, l1, keep;
};

// As gradient_of in settling.hpp; a lane without a penalty is left as it is there.
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
  if (plain) {  // all of them side by side, biases as well
    const Layer<T> &first = work.layers[0];
    int count = 0;
    for (int l = 0; l < work.depth; l++)
      count += (work.layers[l].n_in + work.layers[l].has_bias) * work.layers[l].n_out;
    return lane_apply<T, rule>(change, terms, true, count, first.w, first.g, first.memory);
  }
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    lane_apply<T, rule>(change, terms, false, layer.n_in * layer.n_out, layer.w, layer.g, layer.memory);
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
SCHUSS_INLINE void side_by_side(const double *const *from, long at, int count, double *to) {
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
      const int32_t *order = lane_order(job, lane, epoch, place);
      for (long i = 0; i < n; i++) total += double(job.work->weights[order ? order[i] : place + i]);
    }
    scale[lane] = total != 0 ? 1.0 / total : 0.0;
  }
}

template <class T> using LaneUpdate = void (*)(const Work<T> &, const double *rates, const LaneTerms<T> &, bool plain);

// One step of all lanes: the batch comes in chunks, whose sums resume.
template <class T> class LaneSteps {
 public:
  LaneSteps(const LaneJob<T> &job, LaneUpdate<T> update)
      : job_(job), work_(*job.work), update_(update), counts_(rate_counts[int(job.work->rule)]) {
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
    if (s == 0 || job_.rate_step) side_by_side<T>(job_.rates, s * job_.rate_step, counts_, rates_);
    if (job_.keeps && (s == 0 || job_.keep_step)) {
      alignas(64) double keeps[lanes<T>];
      side_by_side<T>(job_.keeps, s * job_.keep_step, 1, keeps);
      terms_.keep = Numbers<T, Vec<T>>::at(keeps, 0);
    }
  }

  bool step(long s, long epoch, long first) {
    const long n = job_.batch_size < job_.n - first ? job_.batch_size : job_.n - first;
    LaneErrors<T> errors;
    alignas(64) double penalty[lanes<T>] = {};
    take_scales(epoch, first, n);
    if (penalised_) lane_penalties(job_, penalty);
    for (long begin = 0; begin < n; begin += work_.chunk) {
      const int rows = n - begin < work_.chunk ? int(n - begin) : work_.chunk;
      if (given_up(work_, flops_ * rows)) return false;
      lane_gather(job_, epoch, first + begin, rows);
      lane_forward(job_, rows);
      lane_losses(job_, rows, errors);
      lane_backward(job_, rows);
      lane_sums(job_, rows, begin > 0);
    }
    for (int i = 0; i < wide_parts<T>; i++) {
      const int lane = i * lanes<double>;
      store<double>(losses_[s % steps_kept] + lane,
                    (errors.sum[i] + load<double>(penalty + lane)) * load<double>(loss_scale_ + lane));
    }
    update_(work_, rates_, terms_, plain_);
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
  const LaneUpdate<T> update_;
  const int counts_;
  LaneTerms<T> terms_ = {};
  bool penalised_ = false, plain_ = true;
  double flops_ = 0;
  long scaled_for_ = -1;
  static constexpr long steps_kept = 32;
  alignas(64) double loss_scale_[lanes<T>], rates_[most_rates * lanes<T>], losses_[steps_kept][lanes<T>];
};

template <class T> bool lane_steps(const LaneJob<T> &job) {
  LaneUpdate<T> update = nullptr;
  with_rule(job.work->rule, [&](auto rule) { update = lane_update<T, rule.value>; });
  return LaneSteps<T>(job, update).run();
}

}  // namespace SCHUSS_ISA
}  // namespace schuss
