// Memory for a workspace. Large pieces come from the system itself, so that they are given back when they are let go,
// and so that pages that nobody touches take no room.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace schuss {

class Buffer {
 public:
  static constexpr size_t line = 64, huge_page = size_t(1) << 21;

  // At least so many bytes, aligned to a cache line.
  Buffer(size_t bytes, bool zeroed) {
    bytes_ = (bytes + line - 1) / line * line;
#if defined(__linux__)
    if (mapped_size(bytes_) && map()) return;  // zero already
#endif
    data_ = std::aligned_alloc(line, bytes_);
    if (!data_) throw std::bad_alloc();
    if (zeroed) std::memset(data_, 0, bytes_);
  }
  Buffer(Buffer &&other) noexcept { *this = std::move(other); }
  Buffer &operator=(Buffer &&other) noexcept {
    std::swap(data_, other.data_), std::swap(bytes_, other.bytes_), std::swap(mapped_, other.mapped_);
    return *this;
  }
  ~Buffer() {
#if defined(__linux__)
    if (mapped_ && data_) munmap(data_, bytes_);
#endif
    if (!mapped_) std::free(data_);
  }

  void *data() const { return data_; }
  size_t bytes() const { return bytes_; }
  bool is_mapped() const { return mapped_; }
  // Of how many bytes the piece is that comes from the system itself for so many; 0: of none.
  static size_t mapped_size(size_t bytes) {
#if defined(__linux__)
    if (bytes >= 2 * huge_page) return (bytes + huge_page - 1) / huge_page * huge_page;
#endif
    return static_cast<void>(bytes), 0;
  }
  // What stands in it is not needed again.
  void may_be_reclaimed() const {
#if defined(__linux__) && defined(MADV_FREE)
    madvise(data_, bytes_, MADV_FREE);  // a hint
#endif
  }

 private:
#if defined(__linux__)
  // Whole huge pages: touching small ones takes far longer.
  bool map() {
    const size_t size = mapped_size(bytes_);
    void *got = mmap(nullptr, size + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) return false;
    char *begin = static_cast<char *>(got);
    const size_t before = (huge_page - reinterpret_cast<size_t>(begin) % huge_page) % huge_page;
    if (before) munmap(begin, before);
    if (before < huge_page) munmap(begin + before + size, huge_page - before);
    madvise(begin + before, size, MADV_HUGEPAGE);  // a hint
    data_ = begin + before, bytes_ = size, mapped_ = true;
    return true;
  }
#endif

  void *data_ = nullptr;
  size_t bytes_ = 0;
  bool mapped_ = false;
};

// Give whole pages of what nobody reads again back to the system; written to anew, they are there anew.
inline void let_go_pages(void *data, size_t bytes) {
#if defined(__linux__)
  const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE)), begin = reinterpret_cast<uintptr_t>(data);
  const uintptr_t first = (begin + page - 1) / page * page, last = (begin + bytes) / page * page;
  if (first < last) madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
#else
  static_cast<void>(data), static_cast<void>(bytes);
#endif
}

}  // namespace schuss
