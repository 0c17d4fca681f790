// A gradient that stands in g is applied, times a factor: where it was clipped, or was summed apart from its update.
#pragma once
#include "settling.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// A vector's new weights from its gradient in g, times a factor.
template <class T, Rule rule, bool decays, class Note>
SCHUSS_INLINE void apply_at(const Change<T, rule> &change, T factor, const Place<T> &place, long i, Note &note) {
  const Vec<T> gradient = load<T>(place.g + i);
  note.gradient(gradient);
  apply_rule<T, rule, decays>(change, place, i, factor * gradient, note);
}

// Those in [begin, end).
template <class T, Rule rule>
void apply_run(const Work<T> &work, T factor, const Place<T> &place, long begin, long end) {
  const Change<T, rule> change(work.rates);
  NoSquares<T> none;
  for (long i = begin; i < end; i += lanes<T>) apply_at<T, rule, true>(change, factor, place, i, none);
}
template <class T> using Apply = void (*)(const Work<T> &, T factor, const Place<T> &, long begin, long end);
template <class T> Apply<T> apply_of(const Work<T> &work) {
  Apply<T> apply = nullptr;
  with_rule(work.rule, [&](auto rule) { apply = apply_run<T, rule.value>; });
  return apply;
}

// Rows [first, last) of a panel likewise, and the sums of the first `kinds` lengths.
template <class T, Rule rule, int kinds>
void apply_squared(const Work<T> &work, T factor, const Layer<T> &layer, const Panel<T> &at, int first, int last) {
  const Change<T, rule> change(work.rates);
  const Place<T> weights = weights_of(work, layer);
  const long begin = at.b - layer.w;
  for (int c = 0; c < at.stride; c += lanes<T>)
    down_column<T, kinds>(layer, at.at + c, first, last, [&](int row, Squares<T, kinds> &squares) {
      apply_at<T, rule, true>(change, factor, weights, begin + (row - first) * at.stride + c, squares);
    });
}
template <class T>
using ApplySquared = void (*)(const Work<T> &, T factor, const Layer<T> &, const Panel<T> &, int first, int last);

// And of all panels.
template <class T>
void apply_to_weights(const Work<T> &work, T factor, const Layer<T> &layer, int first, int last) {
  ApplySquared<T> squared = nullptr;
  with_rule(work.rule, [&](auto rule) {
    if (!work.norms) return;
    with_noted<rule.value>(work, [&](auto kinds) { squared = apply_squared<T, rule.value, kinds.value>; });
  });
  const Apply<T> apply = apply_of(work);
  for (int p = 0; p < stored_panels(layer); p++) {
    const Panel<T> at = weight_panel<T>(layer, layer.w, p, first);
    const long begin = at.b - layer.w;
    if (squared) squared(work, factor, layer, at, first, last);
    else apply(work, factor, weights_of(work, layer), begin, begin + (last - first) * at.stride);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss
