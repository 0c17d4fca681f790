// Which instruction sets this build holds and this processor runs, best first.
#pragma once
#include <vector>

#include "kernel.hpp"

namespace schuss {

std::vector<const InstructionSet *> instruction_sets();

}  // namespace schuss
