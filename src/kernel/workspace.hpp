// The kernel's own layout of a network: padded panels and batch buffers, and the way from the flat
// canonical vector into it and back. Nothing outside the kernel sees this layout.
#pragma once
#include <vector>

#include "leftovers.hpp"
#include "kernel.hpp"
#include "observation.hpp"

namespace schuss {

// A network as plain numbers.
struct Problem {
  std::vector<int> layers;
  std::vector<int> activations;
  int loss = 0;
  std::vector<double> loss_parameters;  // one per output
  bool biases = true;
  std::vector<int> groups;  // sizes of the groups of outputs

  int depth() const { return int(layers.size()) - 1; }
  bool operator==(const Problem &other) const;
  size_t n_parameters() const;
  WeightPlace place_of(size_t index) const;  // in the flat vector
  // Of a training step, and the parameters met, by a sample of so many inputs.
  double flops_per_sample(double inputs) const;
  double parameters_met(double inputs) const;
};

// Which hidden units are silent: see method/dropout.py.
struct Dropout {
  std::vector<double> rates;  // of each hidden layer; empty where none ever are
  uint64_t seed = 0;
  uint64_t step = 0;          // the first of a call
};

struct Needs {
  int threads;
  int rows;             // of the batch buffers
  bool training;        // error signals below the outputs
  int memory;           // rows that the rule keeps
  bool gradients;       // written down: for the caller, for the next chunk of a batch, or until the rule is applied
  bool sparse = false;  // inputs
  std::vector<double> dropout = {};
  bool slopes = false;  // of every layer stored
};

// Used again, what is left in it does not matter: pack writes all of the weights and of the memory, padding
// included, and a step reads nothing else before it has written it, but the zeros where a network without biases has
// them, which nobody writes to.
template <class T> class Workspace {
 public:
  // With a lender its weights are shared: not for training, and the lender must live longer.
  Workspace(const Problem &problem, const Table<T> &table, Needs needs, const Workspace *lender = nullptr);
  ~Workspace() { Leftovers::leave(std::move(buffers_)); }
  bool serves(const Table<T> &table, const Needs &needs) const;
  bool serves_again() const { return !needs_.sparse; }  // sparse sums and lists must begin at zero
  size_t bytes() const { return bytes_; }
  Work<T> work(Team &team, int thread);  // one thread's view
  // In and out, memory (rows, n_parameters): a thread's share of it.
  void pack(const T *theta, const T *memory, int thread = 0, int threads = 1);
  void unpack(T *theta, T *memory, int thread = 0, int threads = 1) const;
  void unpack_gradient(T *gradient) const;
  // The same piece by piece: one layer of the weights, or of a row of the memory. What is let go is gone for good.
  int pieces() const { return (1 + needs_.memory) * int(layers_.size()); }
  void pack_piece(int piece, const T *theta, const T *memory, int thread, int threads);
  void let_go_packed(int piece, T *theta, T *memory) const;  // of the flat vectors
  void unpack_piece(int piece, T *theta, T *memory, int thread, int threads) const;
  void let_go_piece(int piece);
  void let_go_scratch();           // all that is large, but weights, memory and a sixteenth of them for lengths
  void let_go_all_but_gradient();  // all that is large
  bool finite(int thread, int threads) const;  // a thread's share of weights and memory

 private:
  struct Piece {
    const Layer<T> &layer;
    T *w, *b;
    int row;    // 0: the weights; r + 1: row r of the memory
    size_t at;  // in the flat vector
  };
  Piece piece_of(int piece) const;
  void let_go(const T *data);
  void let_go_passes(const Layer<T> &layer);
  T *take(size_t count, bool zeroed = true);  // aligned to a cache line
  Paired<T> take_pairs(long stride);  // for rows of the batch
  void add_layer(const Problem &problem, int l, long stride_in, const Workspace *lender);
  void set_dropout(Layer<T> &layer, int l) const;

  const Table<T> &table_;
  Needs needs_;
  std::vector<Buffer> buffers_;
  Leftovers leftovers_;  // while it is built
  std::vector<Layer<T>> layers_;
  std::vector<size_t> begins_;  // of layers, in the flat vector
  std::vector<T> loss_parameters_;
  std::vector<int> group_ends_;
  Work<T> work_;
  size_t n_parameters_, bytes_ = 0;
  size_t side_ = 0, transposed_ = 0;  // elements of each thread's room
};

}  // namespace schuss
