// Buffers of the kernel and the way into them. No arithmetic on their content.
#include "workspace.hpp"

#include <algorithm>
#include <numeric>

namespace schuss {
namespace {

constexpr size_t line = Buffer::line;

long round_up(long n, long unit) { return (n + unit - 1) / unit * unit; }

// Rows whose length is a multiple of 1 KiB would fall on four sets of the first cache, or fewer; one more line spreads
// them.
template <class T> long row_stride(int n) {
  const long per_line = line / sizeof(T), stride = round_up(n, per_line);
  return stride * long(sizeof(T)) % 1024 == 0 ? stride + per_line : stride;
}

// Groups of a layer's rows, and one for its biases.
size_t groups_and_biases(int rows) { return size_t(groups_of(rows)) + 1; }

size_t square_sums(const Problem &problem) {
  size_t groups = 0;
  for (int l = 0; l < problem.depth(); l++) groups += groups_and_biases(problem.layers[l]);
  return groups * group_sums;
}

struct Rows {
  int first, last;
};

// A thread's share of a layer's rows, as `share` of matmul.hpp has it.
Rows rows_of(int n_in, int thread, int threads) {
  const long groups = groups_of(n_in);
  const auto bound = [&](int i) { return int(std::min<long>(n_in, groups * i / threads * rows_together)); };
  return {bound(thread), bound(thread + 1)};
}

}  // namespace

size_t Problem::n_parameters() const {
  size_t total = 0;
  for (int l = 0; l < depth(); l++) total += (size_t(layers[l]) + biases) * size_t(layers[l + 1]);
  return total;
}

bool Problem::operator==(const Problem &other) const {
  return layers == other.layers && activations == other.activations && loss == other.loss &&
         loss_parameters == other.loss_parameters && biases == other.biases && groups == other.groups;
}

WeightPlace Problem::place_of(size_t index) const {
  int l = 0;
  for (size_t size; index >= (size = (size_t(layers[l]) + biases) * size_t(layers[l + 1])); l++) index -= size;
  const size_t n_out = size_t(layers[l + 1]);
  return {l, int(index / n_out), int(index % n_out)};
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
Workspace<T>::Workspace(const Problem &problem, const Table<T> &table, Needs needs, const Workspace *lender)
    : table_(table), needs_(needs), loss_parameters_(problem.loss_parameters.begin(), problem.loss_parameters.end()),
      n_parameters_(problem.n_parameters()) {
  long stride = row_stride<T>(problem.layers[0]);
  const size_t inputs = size_t(problem.layers[0]), held = inputs * nonzeros_held * sizeof(Nonzero<T>) / sizeof(T);
  if (!needs.sparse) work_.x_batch = take(size_t(needs.rows) * stride);
  if (table.in_pairs) work_.x_pairs = take_pairs(stride);
  if (needs.sparse) work_.is_met = reinterpret_cast<bool *>(take(inputs / sizeof(T) + 1));
  if (needs.sparse) work_.met = reinterpret_cast<int32_t *>(take(inputs));
  if (needs.sparse) work_.settled = reinterpret_cast<int32_t *>(take(inputs));
  if (needs.sparse) work_.place_met = reinterpret_cast<int32_t *>(take(inputs));
  if (needs.sparse) work_.nonzeros = reinterpret_cast<Nonzero<T> *>(take(held, false));
  if (needs.sparse) work_.lists = reinterpret_cast<int32_t *>(take(inputs));
  if (needs.sparse) work_.met_now = reinterpret_cast<int32_t *>(take(inputs));
  size_t weight_rows = 0;
  for (int l = 0; l < problem.depth(); l++) {
    add_layer(problem, l, stride, lender);
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
  work_.chunk = std::min(needs.rows, chunk_rows);
  work_.t_batch = take(size_t(needs.rows) * stride);
  const size_t side_rows = size_t(round_up(problem.layers.back(), table.lanes));
  side_ = side_parts * side_rows * size_t(table.lanes);
  work_.side = take(size_t(needs.threads) * side_);
  const int terms = std::min(k_block, *std::max_element(problem.layers.begin() + 1, problem.layers.end()));
  transposed_ = needs.training ? size_t(terms) * size_t(table.panel) : 0;
  work_.transposed = take(size_t(needs.threads) * transposed_, false);
  work_.errors = reinterpret_cast<double *>(take(size_t(needs.rows) * sizeof(double) / sizeof(T)));
  work_.row_penalty = reinterpret_cast<double *>(take(weight_rows * sizeof(double) / sizeof(T)));
  work_.gradient_squares = reinterpret_cast<double *>(take(square_sums(problem) * sizeof(double) / sizeof(T)));
  leftovers_ = {};
}

template <class T> bool Workspace<T>::serves(const Table<T> &table, const Needs &needs) const {
  return &table == &table_ && needs_.threads >= needs.threads && needs_.rows >= needs.rows &&
         needs_.training == needs.training && needs_.memory == needs.memory && needs_.gradients >= needs.gradients &&
         needs_.dropout == needs.dropout && needs_.slopes >= needs.slopes &&
         serves_again() && !needs.sparse;
}

template <class T>
void Workspace<T>::add_layer(const Problem &problem, int l, long stride_in, const Workspace *lender) {
  Layer<T> layer{};
  layer.n_in = problem.layers[l];
  layer.n_out = problem.layers[l + 1];
  layer.panel = needs_.sparse && l == 0 ? int(round_up(layer.n_out, table_.lanes)) : table_.panel;
  layer.stride = row_stride<T>(layer.n_out);
  layer.stride_in = stride_in;
  layer.activation = Activation(problem.activations[l]);
  layer.has_bias = problem.biases;
  const size_t weights = size_t(layer.n_in) * round_up(layer.n_out, table_.lanes);
  const size_t batch = size_t(needs_.rows) * layer.stride;
  const bool sums_at_zero = needs_.sparse;  // all else is written before it is read
  begins_.push_back(l ? begins_.back() + (size_t(problem.layers[l - 1]) + problem.biases) * size_t(layer.n_in) : 0);
  layer.w = lender ? lender->layers_[l].w : take(weights, false);
  layer.b = lender ? lender->layers_[l].b : take(layer.stride);
  // What is not needed points at the weights, so that addresses stay valid; it is never read or written.
  for (int r = 0; r < most_memory; r++) {
    layer.memory[r] = r < needs_.memory ? take(weights, false) : layer.w;
    layer.b_memory[r] = r < needs_.memory ? take(layer.stride) : layer.b;
  }
  const bool sums = needs_.gradients || (needs_.sparse && needs_.training && l == 0);
  layer.g = sums ? take(weights, sums_at_zero) : layer.w;
  layer.b_g = needs_.gradients ? take(layer.stride) : layer.b;
  layer.y = take(batch);
  const size_t paired = size_t(layer.n_in + 1) / 2 * round_up(layer.n_out, table_.lanes);
  if (table_.in_pairs) layer.w_pairs = lender ? lender->layers_[l].w_pairs : take(paired, false);
  if (table_.in_pairs) layer.y_pairs = take_pairs(layer.stride);
  set_dropout(layer, l);
  layer.slope = layer.drops || needs_.slopes || stores_slope[int(layer.activation)] ? take(batch) : nullptr;
  if (needs_.training || l + 1 == problem.depth()) layer.delta = take(batch);  // a loss comes with that of the outputs
  if (needs_.training) {
    const size_t columns = size_t(round_up(layer.n_out, std::max(table_.panel, int(line / sizeof(T)))));
    layer.squares = take(groups_and_biases(layer.n_in) * noted * columns, false);
    layer.column_squares = take(noted * columns);
    if (table_.in_pairs) layer.delta_pairs = take_pairs(layer.stride);
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

template <class T> T *Workspace<T>::take(size_t count, bool zeroed) {
  buffers_.push_back(leftovers_.take(count * sizeof(T) + line, zeroed));
  bytes_ += buffers_.back().bytes();
  return static_cast<T *>(buffers_.back().data());
}

template <class T> Paired<T> Workspace<T>::take_pairs(long stride) {
  const long half = row_stride<T>(int((stride + 1) / 2));
  return {take(size_t(needs_.rows) * half), take(size_t(needs_.rows + 1) / 2 * stride), half};
}

template <class T> Work<T> Workspace<T>::work(Team &team, int thread) {
  Work<T> copy = work_;
  copy.side += size_t(thread) * side_;
  copy.transposed += size_t(thread) * transposed_;
  copy.team = &team;
  return copy;
}

template <class T> typename Workspace<T>::Piece Workspace<T>::piece_of(int piece) const {
  const int row = piece / int(layers_.size()), l = piece % int(layers_.size());
  const Layer<T> &layer = layers_[l];
  return {layer, row ? layer.memory[row - 1] : layer.w, row ? layer.b_memory[row - 1] : layer.b, row, begins_[l]};
}

template <class T>
void Workspace<T>::pack_piece(int piece, const T *theta, const T *memory, int thread, int threads) {
  const auto [layer, w, b, row, at] = piece_of(piece);
  const T *vector = row ? memory + size_t(row - 1) * n_parameters_ : theta;
  const Rows own = rows_of(layer.n_in, thread, threads);
  table_.pack(layer, w, vector + at, vector + n_parameters_, own.first, own.last);
  if (row == 0) table_.pair(layer, own.first, own.last);
  if (!layer.has_bias || thread) return;
  const T *biases = vector + at + size_t(layer.n_in) * layer.n_out;
  std::fill(std::copy(biases, biases + layer.n_out, b), b + round_up(layer.n_out, table_.lanes), T(0));
}

template <class T> void Workspace<T>::pack(const T *theta, const T *memory, int thread, int threads) {
  for (int piece = 0; piece < pieces(); piece++) pack_piece(piece, theta, memory, thread, threads);
}

template <class T> void Workspace<T>::let_go_packed(int piece, T *theta, T *memory) const {
  const auto [layer, w, b, row, at] = piece_of(piece);
  T *vector = row ? memory + size_t(row - 1) * n_parameters_ : theta;
  let_go_pages(vector + at, (size_t(layer.n_in) + layer.has_bias) * size_t(layer.n_out) * sizeof(T));
}

template <class T>
void Workspace<T>::unpack_piece(int piece, T *theta, T *memory, int thread, int threads) const {
  const auto [layer, w, b, row, at] = piece_of(piece);
  T *to = (row ? memory + size_t(row - 1) * n_parameters_ : theta) + at;
  const Rows own = rows_of(layer.n_in, thread, threads);
  table_.unpack(layer, w, to, own.first, own.last);
  if (layer.has_bias && thread == 0) std::copy(b, b + layer.n_out, to + size_t(layer.n_in) * layer.n_out);
}

template <class T> void Workspace<T>::unpack(T *theta, T *memory, int thread, int threads) const {
  for (int piece = 0; piece < pieces(); piece++) unpack_piece(piece, theta, memory, thread, threads);
}

template <class T> void Workspace<T>::unpack_gradient(T *gradient) const {
  for (size_t l = 0; l < layers_.size(); l++) {
    const Layer<T> &layer = layers_[l];
    T *to = gradient + begins_[l];
    table_.unpack(layer, layer.g, to, 0, layer.n_in);
    if (layer.has_bias) std::copy(layer.b_g, layer.b_g + layer.n_out, to + size_t(layer.n_in) * layer.n_out);
  }
}

template <class T> void Workspace<T>::let_go(const T *data) {
  const auto is_it = [&](const Buffer &buffer) { return buffer.data() == data; };
  buffers_.erase(std::remove_if(buffers_.begin(), buffers_.end(), is_it), buffers_.end());
}

template <class T> void Workspace<T>::let_go_piece(int piece) { let_go(piece_of(piece).w); }

// What the way forth and back needs beside the weights.
template <class T> void Workspace<T>::let_go_passes(const Layer<T> &layer) {
  for (const T *data : {layer.w_pairs, layer.y, layer.slope, layer.delta})
    if (data) let_go(data);
}

template <class T> void Workspace<T>::let_go_scratch() {
  for (const Layer<T> &layer : layers_) {
    if (layer.g != layer.w) let_go(layer.g);
    let_go_passes(layer);
  }
}

template <class T> void Workspace<T>::let_go_all_but_gradient() {
  for (const Layer<T> &layer : layers_) let_go(layer.w), let_go_passes(layer);
}

template <class T> bool Workspace<T>::finite(int thread, int threads) const {
  const auto all = [&](const T *p, size_t n) {
    const size_t lines = n / (line / sizeof(T)), each = line / sizeof(T);
    const size_t first = lines * thread / threads * each, last = lines * (thread + 1) / threads * each;
    return table_.finite(p + first, (thread + 1 == threads ? n : last) - first);
  };
  for (const Layer<T> &layer : layers_) {
    const size_t weights = size_t(layer.n_in) * round_up(layer.n_out, table_.lanes);
    const size_t biases = size_t(round_up(layer.n_out, table_.lanes));
    if (!all(layer.w, weights) || !all(layer.b, biases)) return false;
    for (int r = 0; r < needs_.memory; r++)
      if (!all(layer.memory[r], weights) || !all(layer.b_memory[r], biases)) return false;
  }
  return true;
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace schuss
