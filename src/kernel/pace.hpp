// How many threads a training is worth, found out as it goes: the same steps are made by more and by fewer, and
// those that make them fastest go on. So a processor that is busy elsewhere is not waited for. The number of
// threads never changes a bit.
#pragma once
#include <algorithm>
#include <vector>

namespace schuss {

class Pace {
 public:
  explicit Pace(int most) : most_(most), allowed_(most) {
    for (int threads = most; threads >= 1; threads /= 2) teams_.push_back({threads, 0});
  }

  int most() const { return most_; }
  int threads() const { return is_held() ? allowed_ : teams_[now_].threads; }

  // For the next decision. Where others have taken some of the processors, what is known of more threads waits.
  void allow(int threads) { allowed_ = threads; }

  // How many steps to make before the next decision: at first one.
  long steps() const {
    if (teams_.size() == 1) return everything;
    if (is_held()) return held_ == 0 ? 1 : std::max(1L, long(stretch / held_));
    const double each = teams_[now_].seconds;
    const double at_best = goes_well_ || all_tried() ? stretch : first_stretch;
    const double wanted = now_ > best_ ? trial : now_ < best_ ? long_trial : at_best;
    return each == 0 ? 1 : std::max(1L, long(wanted / each));
  }

  // How long each of them took, and all; and for which part of that the first thread had a processor and was not
  // waited for, nor waited. A trial of long steps is a large part of a training, and where all are at work together,
  // fewer would take longer.
  void note(double each, double seconds, double at_work) {
    if (is_held()) {
      held_ = each;
      return;
    }
    Team &team = teams_[now_];
    goes_well_ = now_ == 0 && each > trial && at_work > enough;
    const bool warms_up = team.seconds == 0 && (now_ == best_ || seconds < trial);
    team.seconds = each;
    if (warms_up || teams_.size() == 1) return;
    since_ += seconds;
    if (now_ != best_) end_trial();
    else if (goes_well_) since_ = 0;
    else if (!all_tried() || since_ > std::max(wait_, trials_apart * team.seconds)) begin_trial();
  }

 private:
  struct Team {
    int threads;
    double seconds;  // of a step; 0: not tried yet
  };

  static constexpr long everything = 1L << 40;
  // Seconds. A trial of more threads is long, since some of them have slept, and may wake where another runs.
  static constexpr double first_stretch = 0.008, stretch = 0.02, trial = 0.001, long_trial = 0.006;
  static constexpr double first_wait = 0.05, longest_wait = 0.4;
  static constexpr double trials_apart = 40;  // in steps, where they are long
  static constexpr double enough = 0.7;       // of the time: one thread alone would take 1.4 times as long as two

  bool is_held() const { return allowed_ < teams_[now_].threads; }
  bool all_tried() const {
    return std::all_of(teams_.begin(), teams_.end(), [](const Team &team) { return team.seconds > 0; });
  }
  void begin_trial() {
    do other_ = (other_ + 1) % teams_.size();
    while (other_ == best_);
    now_ = other_;
  }
  void end_trial() {
    const bool better = teams_[now_].seconds < teams_[best_].seconds;
    wait_ = better ? first_wait : std::min(longest_wait, 2 * wait_);
    if (better) best_ = now_;
    now_ = best_;
    since_ = 0;
  }

  int most_, allowed_;
  std::vector<Team> teams_;  // the largest first
  size_t now_ = 0, best_ = 0, other_ = 0;
  double since_ = 0, wait_ = first_wait, held_ = 0;  // the last: seconds of a step by fewer than wanted
  bool goes_well_ = false;
};

}  // namespace schuss
