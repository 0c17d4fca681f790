// Buffers of the kernel and the way into them. No arithmetic on their content.
#include "workspace.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <new>
#include <numeric>

namespace schuss {
namespace {

constexpr size_t line = 64;
constexpr size_t huge_page = size_t(1) << 21;

long round_up(long n, long unit) { return (n + unit - 1) / unit * unit; }

// Rows whose length is a multiple of 2 KiB would fall on the same cache sets; one more line spreads them.
template <class T> long row_stride(int n) {
  const long per_line = line / sizeof(T), stride = round_up(n, per_line);
  return stride * long(sizeof(T)) % 2048 == 0 ? stride + per_line : stride;
}

bool stores_slope(Activation a) {
  return a == Activation::softplus || a == Activation::silu || a == Activation::gelu;
}

}  // namespace

size_t Problem::n_parameters() const {
  size_t total = 0;
  for (int l = 0; l < depth(); l++) total += (size_t(layers[l]) + biases) * size_t(layers[l + 1]);
  return total;
}

double Problem::flops_per_sample(double inputs) const {
  double total = 4.0 * inputs * layers[1];
  for (int l = 1; l < depth(); l++) total += 6.0 * layers[l] * layers[l + 1];
  return total;
}

double Problem::parameters_met(double inputs) const {
  return double(n_parameters()) - (layers[0] - inputs) * layers[1];
}

template <class T>
Workspace<T>::Workspace(const Problem &problem, const Table<T> &table, Needs needs)
    : table_(table), needs_(needs), loss_parameters_(problem.loss_parameters.begin(), problem.loss_parameters.end()),
      n_parameters_(problem.n_parameters()) {
  long stride = row_stride<T>(problem.layers[0]);
  const size_t inputs = size_t(problem.layers[0]);
  if (!needs.sparse) work_.x_batch = take(size_t(needs.rows) * stride);
  if (needs.sparse) work_.is_met = reinterpret_cast<bool *>(take(inputs / sizeof(T) + 1));
  if (needs.sparse) work_.met = reinterpret_cast<int32_t *>(take(inputs));
  size_t weight_rows = 0;
  for (int l = 0; l < problem.depth(); l++) {
    add_layer(problem, l, stride);
    stride = layers_.back().stride;
    weight_rows += size_t(problem.layers[l]);
  }
  work_.depth = problem.depth();
  work_.layers = layers_.data();
  work_.loss = Loss(problem.loss);
  work_.loss_parameters = loss_parameters_.data();
  std::partial_sum(problem.groups.begin(), problem.groups.end(), std::back_inserter(group_ends_));
  work_.groups = int(group_ends_.size());
  work_.group_ends = group_ends_.data();
  work_.chunk = needs.rows;
  work_.t_batch = take(size_t(needs.rows) * stride);
  const size_t side_rows = size_t(round_up(problem.layers.back(), table.lanes));
  side_ = 4 * side_rows * size_t(table.lanes);  // outputs, targets, error signals, slopes
  work_.side = take(size_t(needs.threads) * side_);
  work_.errors = reinterpret_cast<double *>(take(size_t(needs.rows) * sizeof(double) / sizeof(T)));
  work_.row_penalty = reinterpret_cast<double *>(take(weight_rows * sizeof(double) / sizeof(T)));
  const size_t rows = weight_rows + size_t(problem.depth());
  work_.row_square = reinterpret_cast<double *>(take(rows * sizeof(double) / sizeof(T)));
}

template <class T> void Workspace<T>::add_layer(const Problem &problem, int l, long stride_in) {
  Layer<T> layer{};
  layer.n_in = problem.layers[l];
  layer.n_out = problem.layers[l + 1];
  layer.stride = row_stride<T>(layer.n_out);
  layer.stride_in = stride_in;
  layer.activation = Activation(problem.activations[l]);
  layer.has_bias = problem.biases;
  const size_t weights = size_t(layer.n_in) * round_up(layer.n_out, table_.lanes);
  const size_t batch = size_t(needs_.rows) * layer.stride;
  layer.w = take(weights);
  layer.b = take(layer.stride);
  // What is not needed points at the weights, so that addresses stay valid; it is never read or written.
  for (int r = 0; r < most_memory; r++) {
    layer.memory[r] = r < needs_.memory ? take(weights) : layer.w;
    layer.b_memory[r] = r < needs_.memory ? take(layer.stride) : layer.b;
  }
  layer.g = needs_.gradient || (needs_.sparse && needs_.training && l == 0) ? take(weights) : layer.w;
  layer.b_g = needs_.gradient ? take(layer.stride) : layer.b;
  layer.y = take(batch);
  set_dropout(layer, l);
  layer.slope = layer.drops || stores_slope(layer.activation) ? take(batch) : nullptr;
  if (needs_.training) {
    layer.delta = take(batch);
    if (l > 0) layer.w_t = take(size_t(layer.n_out) * round_up(layer.n_in, table_.lanes));
  }
  layers_.push_back(layer);
}

// In the numbers of method/dropout.py; a rate so small that no 32-bit number falls under it silences nobody.
template <class T> void Workspace<T>::set_dropout(Layer<T> &layer, int l) const {
  const double keep = l < int(needs_.dropout.size()) ? 1.0 - needs_.dropout[l] : 1.0;
  const uint64_t below = uint64_t(keep * 4294967296.0);
  layer.drops = below < uint64_t(1) << 32;
  layer.keep_below = uint32_t(below);
  layer.keep_scale = T(1.0 / keep);
}

template <class T> T *Workspace<T>::take(size_t count) {
  size_t bytes = size_t(round_up(long(count * sizeof(T)), line)) + line, unit = line;
  if (bytes >= 2 * huge_page) bytes = size_t(round_up(long(bytes), unit = huge_page));
  void *p = std::aligned_alloc(unit, bytes);
  if (!p) throw std::bad_alloc();
#if defined(__linux__)
  if (unit == huge_page) madvise(p, bytes, MADV_HUGEPAGE);  // a hint: touching small pages takes far longer
#endif
  std::memset(p, 0, bytes);
  buffers_.emplace_back(p);
  return static_cast<T *>(p);
}

template <class T> Work<T> Workspace<T>::work(Team &team, int thread) {
  Work<T> copy = work_;
  copy.side += size_t(thread) * side_;
  copy.team = &team;
  return copy;
}

// Visit runs of weights that are contiguous both in theta and in a panel: f(layer, theta offset, panel
// offset, count), the panel offset −1 for the biases.
template <class T> template <class F> void Workspace<T>::over_weights(F f) const {
  size_t at = 0;
  for (const Layer<T> &layer : layers_) {
    const int vectors = int(round_up(layer.n_out, table_.lanes)) / table_.lanes, most = table_.panel / table_.lanes;
    for (int k = 0; k < layer.n_in; k++)
      for (int p = 0; p * table_.panel < layer.n_out; p++) {
        const int width = (vectors - p * most < most ? vectors - p * most : most) * table_.lanes;
        const int left = layer.n_out - p * table_.panel, count = left < table_.panel ? left : table_.panel;
        f(layer, at, long(p) * table_.panel * layer.n_in + long(k) * width, count);
        at += size_t(count);
      }
    if (layer.has_bias) {
      f(layer, at, -1, layer.n_out);
      at += size_t(layer.n_out);
    }
  }
}

template <class T> void Workspace<T>::pack(const T *theta, const T *memory) {
  over_weights([&](const Layer<T> &layer, size_t from, long to, int n) {
    std::memcpy(to < 0 ? layer.b : layer.w + to, theta + from, n * sizeof(T));
    for (int r = 0; r < needs_.memory; r++)
      std::memcpy(to < 0 ? layer.b_memory[r] : layer.memory[r] + to, memory + r * n_parameters_ + from, n * sizeof(T));
  });
  for (const Layer<T> &layer : layers_) table_.transpose(layer, 0, layer.n_in);
}

template <class T> void Workspace<T>::unpack(T *theta, T *memory) const {
  over_weights([&](const Layer<T> &layer, size_t to, long from, int n) {
    std::memcpy(theta + to, from < 0 ? layer.b : layer.w + from, n * sizeof(T));
    for (int r = 0; r < needs_.memory; r++)
      std::memcpy(memory + r * n_parameters_ + to, from < 0 ? layer.b_memory[r] : layer.memory[r] + from, n * sizeof(T));
  });
}

template <class T> void Workspace<T>::unpack_gradient(T *gradient) const {
  over_weights([&](const Layer<T> &layer, size_t to, long from, int n) {
    std::memcpy(gradient + to, from < 0 ? layer.b_g : layer.g + from, n * sizeof(T));
  });
}

template <class T> bool Workspace<T>::finite() const {
  for (const Layer<T> &layer : layers_) {
    const size_t weights = size_t(layer.n_in) * round_up(layer.n_out, table_.lanes);
    const size_t biases = size_t(round_up(layer.n_out, table_.lanes));
    if (!table_.finite(layer.w, weights) || !table_.finite(layer.b, biases)) return false;
    for (int r = 0; r < needs_.memory; r++)
      if (!table_.finite(layer.memory[r], weights) || !table_.finite(layer.b_memory[r], biases)) return false;
  }
  return true;
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace schuss
