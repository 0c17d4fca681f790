// Which instruction sets this build holds and this processor runs, best first; the last may be one whose products are
// of pairs of bfloat16.
#pragma once
#include <vector>

#include "kernel.hpp"

namespace schuss {

std::vector<const InstructionSet *> instruction_sets();

}  // namespace schuss
