// How the processor rounds, and whether it keeps what is too small for a normal number: a setting of each thread, which
// libraries change (torch.set_flush_denormal, code built with -ffast-math), and on which bits would hang.
#pragma once
#include <cstdint>

namespace schuss {

// To the nearest, and nothing flushed to zero, for as long as this lives; then as before.
class UsualRounding {
 public:
  UsualRounding() : before_(now()) {
    if (before_ != usual) set(usual);
  }
  ~UsualRounding() {
    if (before_ != usual) set(before_);
  }
  UsualRounding(const UsualRounding &) = delete;
  UsualRounding &operator=(const UsualRounding &) = delete;

 private:
#if defined(__x86_64__)
  using Word = uint32_t;
  static constexpr Word usual = 0x1f80;  // every exception masked
  static constexpr Word sticky = 0x3f;   // exceptions that there have been
  static Word now() { return __builtin_ia32_stmxcsr() & ~sticky; }
  static void set(Word word) { __builtin_ia32_ldmxcsr(word); }
#elif defined(__aarch64__)
  using Word = uint64_t;
  static constexpr Word usual = 0;
  static Word now() {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void set(Word word) { asm volatile("msr fpcr, %0" : : "r"(word)); }
#else
  using Word = int;
  static constexpr Word usual = 0;
  static Word now() { return usual; }
  static void set(Word) {}
#endif
  const Word before_;
};

}  // namespace schuss
