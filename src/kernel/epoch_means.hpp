// From the losses of steps to those of epochs, in the order in which NumPy adds up: method/means.py makes them of
// trainings one by one, and those of a sweep have the same bits.
#pragma once

namespace schuss {

// Σ loss·share: up to 128 terms in eight sums, more by halves. Fewer than eight would be one sum.
inline double shared_sum(const double *loss, const double *share, long n) {
  constexpr long sums = 8, block = 128;
  if (n > block) {
    const long half = n / 2 / sums * sums;
    return shared_sum(loss, share, half) + shared_sum(loss + half, share + half, n - half);
  }
  double total = 0;
  long i = 0;
  if (n >= sums) {
    double r[sums];
    for (int j = 0; j < sums; j++) r[j] = loss[j] * share[j];
    for (i = sums; i + sums <= n; i += sums)
      for (int j = 0; j < sums; j++) r[j] += loss[i + j] * share[i + j];
    total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  }
  for (; i < n; i++) total += loss[i] * share[i];
  return total;
}

// The mean of each epoch of `per_epoch` steps.
inline void epoch_means(const double *losses, const double *shares, long per_epoch, long epochs, double *means) {
  for (long e = 0; e < epochs; e++) means[e] = 0.0 + shared_sum(losses + e * per_epoch, shares, per_epoch);
}

}  // namespace schuss
