// Which samples each step of a call sees.
#pragma once
#include <algorithm>

#include "advance.hpp"

namespace schuss {

// Steps [first, last) of a course.
struct Stretch {
  long first, last;
};

// Their batches, one after the other.
class Batches {
 public:
  Batches(const Course &course, long n, const Stretch &stretch)
      : course_(course), n_(n), per_epoch_((n + course.batch_size - 1) / course.batch_size),
        left_(stretch.last - stretch.first), place_((course.first_place + stretch.first) % per_epoch_),
        epoch_((course.first_place + stretch.first) / per_epoch_) {}

  // None, where no step follows.
  Batch now() const {
    if (left_ == 0) return {nullptr, 0, 0};
    const long first = place_ * course_.batch_size;
    return {course_.order ? course_.order + epoch_ * n_ + first : nullptr, first,
            std::min(course_.batch_size, n_ - first)};
  }
  // Whether an epoch ended with it.
  bool advance() {
    left_--;
    if (++place_ < per_epoch_) return false;
    place_ = 0;
    epoch_++;
    return true;
  }

 private:
  const Course &course_;
  long n_, per_epoch_, left_, place_, epoch_;
};

// Where the norms of each step of a stretch go.
template <class T> class NormRows {
 public:
  NormRows(const Norms<T> &norms, const Stretch &stretch) : every_(norms.every), rows_(norms.rows) {
    if (every_ == 0) return;
    const long before = taken_before(stretch.first, every_, norms.first);
    next_ = norms.first + before * every_;
    rows_ += 3 * before;
  }

  // Null where none are taken; asked for one step after the other.
  T *of(long step) {
    if (step != next_) return nullptr;
    next_ += every_;
    rows_ += 3;
    return rows_ - 3;
  }

 private:
  long every_, next_ = -1;
  T *rows_;
};

}  // namespace schuss
