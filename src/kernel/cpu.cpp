// Asks the processor, so that one build serves all of a family.
#include "cpu.hpp"

namespace schuss {

namespace baseline { extern const InstructionSet instruction_set; }
#if defined(__x86_64__)
namespace avx2 { extern const InstructionSet instruction_set; }
namespace avx512 { extern const InstructionSet instruction_set; }
#endif

std::vector<const InstructionSet *> instruction_sets() {
  std::vector<const InstructionSet *> found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool two = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (two && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    found.push_back(&avx512::instruction_set);
  if (two) found.push_back(&avx2::instruction_set);
#endif
  found.push_back(&baseline::instruction_set);
  return found;
}

}  // namespace schuss
