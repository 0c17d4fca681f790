// What the parts of the kernel say to each other: plain structures and one table of functions per
// instruction set. No Python here, no arithmetic, and no inline function of the standard library:
// isa.cpp is compiled once per instruction set, and the linker would keep only one copy of those.
#pragma once
#include <cstddef>
#include <cstdint>

namespace schuss {

// The order of these names is known to engine/native.py; a test compares the two.
enum class Activation : int { identity, logistic, tanh, relu, leaky_relu, elu, softplus, silu, gelu, softmax, exp };
enum class Loss : int {
  squared_error, mean_squared_error, cross_entropy, binary_cross_entropy, poisson, absolute, huber, quantile, focal
};
enum class Rule : int {
  gradient_descent, momentum, nesterov, adam, outer_momentum, averaged_momentum, quasi_hyperbolic, rmsprop, adagrad,
  aggmo, lion, lookahead, schedule_free
};
enum class Function : int { exp, expm1, tanh, log, log1p, logistic };

// By the place of an activation: whether dy/dx does not follow from y, so that the forward pass stores it.
constexpr bool stores_slope[] = {false, false, false, false, false, false, true, true, true, false, false};

// By the place of a rule: the rows of memory that it keeps, and the numbers that it takes for each step.
constexpr int memory_rows[] = {0, 1, 1, 2, 1, 1, 1, 1, 1, 3, 1, 2, 1};
constexpr int rate_counts[] = {1, 2, 2, 4, 5, 2, 3, 3, 2, 4, 3, 4, 4};
constexpr int most_memory = 3, most_rates = 5;
constexpr int rule_count = int(sizeof(memory_rows) / sizeof(int));
static_assert(sizeof(stores_slope) == size_t(Activation::exp) + 1, "a flag for each activation");
static_assert(rule_count == int(Rule::schedule_free) + 1 && sizeof(rate_counts) == sizeof(memory_rows),
              "numbers for each rule");

// Numbers in rows as pairs of bfloat16, each pair in the place of a T: two neighbours of a row, or the same column of
// two rows. Only where products are made of them: see pairs.hpp.
template <class T> struct Paired {
  T *along;     // (rows, stride)
  T *across;    // (rows/2, stride of the rows themselves)
  long stride;
};

// One weight layer. Matrices w, memory, g are stored in panels: columns in groups of `panel`, each
// group row by row, the last group narrower (rounded up to whole vectors). Rows of batch buffers have
// `stride` elements; what lies beyond n_out there is padding: finite, and never used. Where samples stand side by side
// (beside.hpp) the same buffers hold a row for each unit.
template <class T> struct Layer {
  int n_in, n_out;
  int panel;         // columns of the weights that lie together: Table::panel, or all of them for sparse rows
  long stride;       // of y, slope, delta
  long stride_in;    // of the previous layer's y
  Activation activation;
  bool has_bias;
  bool drops;        // dropout: in a step, each output is silent unless its number is below keep_below, or else
  uint32_t keep_below;
  T keep_scale;      // multiplied by this
  T *w, *g;          // (n_in, n_out): weights; gradient, or the sums of a batch cut into chunks;
                     // of sparse rows, where weights lag behind, a row for each input in Work::met
  T *memory[most_memory];  // (n_in, n_out) each: what the rule remembers
  T *w_pairs;        // (n_in/2, n_out) where products are of pairs
  T *b, *b_g;        // (stride,): the same for biases
  T *b_memory[most_memory];
  T *y, *slope;      // (rows, stride): outputs; dy/dx where it does not follow from y, else null
  T *delta;          // (rows, stride): error signals
  T *squares;        // (panels, groups of rows + 1, 3, panel): sums for the lengths of a step, see lengths.hpp,
  T *column_squares;  // (panels, 3, panel): and those of whole columns
  Paired<T> y_pairs, delta_pairs;
};

constexpr int chunk_rows = 256;  // samples at once; larger batches come in chunks
constexpr int k_block = 1024;   // terms of a sum between two visits to memory; keeps a panel near the cache
constexpr int rows_together = 48;  // of weights that threads share out: whole tiles of every size
inline __attribute__((always_inline)) int groups_of(int rows) { return (rows + rows_together - 1) / rows_together; }

// What workspace.cpp makes room for, and isa.cpp fills.
constexpr int noted = 3;       // lengths of a step: of gradient, memory and change
constexpr int group_sums = 8;  // of squares of the gradient, for each group of rows: see clipping.hpp
constexpr int side_parts = 4;  // of a thread's room in the loss: outputs, targets, error signals, slopes

constexpr int most_pairs = 32;  // of neighbours who share what lies between them: see shares.hpp
struct alignas(64) Pair {
  long next = 0;  // number to be drawn; none comes twice in a stretch
};
struct Drawn {
  long number = -1;  // kept for the next middle
  long before = 0;   // numbers of the middles that are done
};

// What the threads of one call share.
struct Team {
  int threads = 1;
  int arrived = 0;
  unsigned generation = 0;  // of the barrier; its lowest bit says that the step is given up
  int cancel = 0;        // set by thread 0, whenever nothing that must be finished has been begun
  int finite = 1;        // cleared by whoever finds that it is no longer so
  int apart_from = 0;    // written by thread 0 before an update, read in it: see Work::apart_from
  double step_loss = 0;  // written by thread 0 before the last barrier of a step
  long waited = 0;       // nanoseconds that threads have waited at the barrier, but for short moments
  Pair pairs[most_pairs];
};

// The samples of one step: rows order[0 … n), or first … first+n where order is null.
struct Batch {
  const int32_t *order;
  long first;
  long n;
};

// Rows of the last chunk of a batch of n.
inline __attribute__((always_inline)) int last_rows(long n, int chunk) { return int((n - 1) % chunk) + 1; }

// How far the rows of the batch after this one have been asked for: see ahead.hpp.
struct Ahead {
  Batch next;
  int group, last;  // of its rows; a group of them begins there
  int row, line;    // of the group, and of the row
  int lines;        // of each row
  int at_once;
};

// Sparse rows (CSR): the nonzeros of sample i stand at places [starts[i], starts[i+1]), their columns in order.
template <class T> struct Sparse {
  const int64_t *starts;  // (n_samples+1,), or null: the rows are dense
  const int32_t *columns;
  const T *values;
};

// One of a row of a chunk, in a list of those of one input.
template <class T> struct Nonzero {
  T value;
  int32_t row, next;  // 0 where the list ends
};
constexpr int nonzeros_held = 2;  // for each input: 24 bytes, where its weights, memory and sums take 96 or more

// A sum over nonzeros fetches each of its terms from another place: it takes about so many times longer.
constexpr double sparse_effort = 4;

template <class T> struct Observation;  // observation.hpp

// The lengths of a step before that are not added up yet: where to, whether each thread has noted its own columns, and
// whether the memory is the change.
template <class T> struct Owed {
  T *norms;
  bool by_columns, at_once;
  int samples;  // of the chunk whose update they are of
};

// Everything a step needs. Each thread has a copy of its own; the buffers and the team are shared.
template <class T> struct Work {
  int depth = 0;
  Layer<T> *layers = nullptr;
  Loss loss = Loss::squared_error;
  const T *loss_parameters = nullptr;  // (n_out,)
  int groups = 1;                 // of outputs, each with a softmax of its own
  const int *group_ends = nullptr;  // (groups,)

  long n_samples = 0;
  const T *x = nullptr;           // (n_samples, n_in), or null:
  Sparse<T> sparse = {};
  const T *t = nullptr;           // (n_samples, n_out), or null:
  const int32_t *classes = nullptr;  // (n_samples,) index of the one target that is 1
  const T *weights = nullptr;     // (n_samples,) how often each sample counts; null: once
  long x_stride = 0, t_stride = 0;

  int chunk = 0;                  // most rows at once, not more than chunk_rows; the batch buffers have as many
  T *x_batch = nullptr;           // (chunk, layers[0].stride_in); not for sparse rows
  Paired<T> x_pairs = {};
  bool in_place = false;          // rows of this step are read where they lie in x: see ahead.hpp
  // For sparse rows: which inputs a batch meets, the only ones whose sums are not zero. Each thread lists those among
  // its weights from where these begin.
  bool *is_met = nullptr;         // (n_in,)
  int32_t *met = nullptr;         // (n_in,)
  int32_t *place_met = nullptr;   // (n_in,): of an input in `met`
  int n_met = 0;
  Nonzero<T> *nonzeros = nullptr;  // (n_in · nonzeros_held,): of some rows, in lists; a thread's as above
  int n_listed = 0;
  int32_t *lists = nullptr;       // (n_in,): numbers with which they begin, or 0
  int32_t *met_now = nullptr;     // (n_in,): inputs that these rows meet, but for the first rows of a batch
  int n_met_now = 0;
  // Weights from inputs that no sample meets may lag behind, and go through the steps that they have missed when
  // they are needed again: up to which step of the call those from each input have come.
  bool lags = false;
  int32_t *settled = nullptr;     // (n_in,)
  T *t_batch = nullptr;           // (chunk, layers[depth-1].stride), or (chunk,) numbers of classes
  T *side = nullptr;              // room to turn outputs of a few samples side by side, per thread
  T *transposed = nullptr;        // (k_block, panel): weights on the way back, per thread
  double *errors = nullptr;       // (chunk,): E of each sample
  double *row_penalty = nullptr;  // (rows of all layers,): penalty of each row of weights
  double *gradient_squares = nullptr;  // added up by groups of rows: see clipping.hpp

  Rule rule = Rule::gradient_descent;
  const double *all_rates = nullptr;  // (steps, numbers of the rule)
  const double *all_keeps = nullptr;  // (steps,), or null
  long number = 0;                // of this step in the call
  const double *rates = nullptr;  // (numbers of the rule,) of this step
  T keep = 1;                     // what decay leaves of the weights
  T scale = 1, l2 = 0, l1 = 0;
  double loss_scale = 1;
  bool as_scikit_learn = false;   // report the loss as scikit-learn does
  double clip = 0;                // longest gradient, where `clips`
  bool clips = false;
  bool last_step = false;         // of a call: nobody needs w_pairs after it
  bool is_first = true;           // of a stretch: nothing is known of it from the step before
  bool update = true;             // false: leave the gradient in g instead
  bool only_loss = false;         // not even the gradient
  int apart_from = 0;             // layers from here on bring their gradient into g before the rule is applied, so
                                  // that a long update can be given up; those before are updated at once
  bool narrow = false;            // every layer is narrow, and one thread runs: see narrow.hpp
  bool by_rows = false;           // threads share rows in every layer: see shares.hpp
  bool may_be_apart = false;      // whether team->apart_from says so for each step

  uint64_t dropout_seed = 0;
  uint32_t dropout_step = 0;
  Batch batch = {};
  Batch next = {};                // of the step after this one; none of this call where n is 0
  Ahead ahead = {};
  long begin = 0;                 // row of the batch at which the chunk at work begins

  T *norms = nullptr;             // (3,), of gradient, memory and change, where those of this step are taken
  Owed<T> owed = {};              // by thread 0
  const Observation<T> *observation = nullptr;  // of thread 0, where weights are watched

  // Asked by thread 0 before so many operations; true gives the step up.
  bool (*poll)(void *, double flops) = nullptr;
  // Asked by thread 0 just before the first update of a stretch: from which layer on that is to be apart.
  int (*judge)(void *, const Work &) = nullptr;
  void *poll_data = nullptr;
  Team *team = nullptr;
  Drawn drawn = {};
};

template <class T> struct LaneJob;  // lanes_job.hpp

// What one instruction set offers for one element type.
template <class T> struct Table {
  int lanes;  // elements of a vector
  int panel;  // columns of a weight panel
  int narrow;  // columns of the widest layer of a narrow network
  bool in_pairs;  // products are of pairs of bfloat16
  // Run one step, or one gradient; false if it was given up, with weights and memory as they were.
  bool (*step)(Work<T> &, const Batch &, int thread);
  // Do what steps have left for later: bring a thread's weights that lag behind up to this step, and note lengths.
  void (*settle)(Work<T> &, int thread);
  // Outputs of samples [first, first + n) into rows [row, row + n) of y of the last layer.
  void (*outputs)(Work<T> &, long first, int row, int n);
  // Rows [first, last) of a layer's weights, of which `first` is a multiple of rows_together, into pairs where products
  // are made of them; from their place in a flat vector that ends at `end` into panels, padding included; and back.
  void (*pair)(const Layer<T> &, int first, int last);
  void (*pack)(const Layer<T> &, T *w, const T *from, const T *end, int first, int last);
  void (*unpack)(const Layer<T> &, const T *w, T *to, int first, int last);
  bool (*finite)(const T *, size_t n);
  void (*apply)(Function, const T *in, T *out, size_t n);
  // c·a + b over and over in registers; how many operations that was.
  double (*multiply_adds)(long rounds, T a, T b, T *sum);
  // Run the steps of a group of networks, one a lane; false if they were given up. Null where products are in pairs.
  bool (*lane_steps)(const LaneJob<T> &);
  // The Hessian's product with the vector that the second work has for weights, into its g; the third has the
  // layers of the second with the error signals of the first. False if it was given up. Null as above.
  bool (*bend)(Work<T> &, Work<T> &, Work<T> &, const Batch &, int thread);
};

struct InstructionSet {
  const char *name;
  bool fused;  // products and sums in one rounding; equal bits are promised among these
  bool in_pairs;
  const Table<float> *f32;
  const Table<double> *f64;  // null where products are of pairs
  void (*philox)(const uint32_t counter[4], uint64_t key, uint32_t words[4]);  // Philox 4x32-10, to be tested
};

// A barrier for a few threads that meet often: they spin, and give way after a while. Whether the step is
// given up, the same answer for all: what thread 0 had decided when the last of them arrived.
bool meet(Team &team);  // team.cpp

}  // namespace schuss
