// Large pieces of memory that the last workspace left, for the next one: of a training of ten steps, new pages take up
// to a fifteenth of the time.
#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "buffer.hpp"

namespace schuss {

class Leftovers {
 public:
  // A piece of just so many bytes, left or new. What else was left is let go with this object.
  Buffer take(size_t bytes, bool zeroed) {
    const size_t size = Buffer::mapped_size(bytes);
    if (size && !pieces_) pieces_.reset(kept().exchange(nullptr));
    for (size_t i = 0; size && pieces_ && i < pieces_->size(); i++) {
      Buffer &piece = (*pieces_)[i];
      if (piece.bytes() != size) continue;
      std::swap(piece, pieces_->back());
      Buffer found = std::move(pieces_->back());
      pieces_->pop_back();
      if (zeroed) std::memset(found.data(), 0, size);
      return found;
    }
    return Buffer(bytes, zeroed);
  }

  // Keep what is mapped of a workspace, unless it is too much; the system may have it back when it needs some.
  static void leave(std::vector<Buffer> &&buffers) noexcept {
    const auto is_small = [](const Buffer &buffer) { return !buffer.is_mapped(); };
    buffers.erase(std::remove_if(buffers.begin(), buffers.end(), is_small), buffers.end());
    size_t total = 0;
    for (const Buffer &buffer : buffers) total += buffer.bytes();
    if (total == 0 || total > most_bytes) return;
    for (const Buffer &buffer : buffers) buffer.may_be_reclaimed();
    auto *pieces = new (std::nothrow) std::vector<Buffer>(std::move(buffers));
    if (pieces) delete kept().exchange(pieces);
  }

 private:
  static constexpr size_t most_bytes = size_t(1) << 26;

  // No lock, since a process may be forked at any time; and not let go at its end, when others may still leave some.
  static std::atomic<std::vector<Buffer> *> &kept() {
    static std::atomic<std::vector<Buffer> *> kept{nullptr};
    return kept;
  }

  std::unique_ptr<std::vector<Buffer>> pieces_;
};

}  // namespace schuss
