// Large pieces of memory that the last workspace left, for the next one: of a training of ten steps, new pages take a
// fiftieth of the time.
#pragma once
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
  static void leave(std::vector<Buffer> &&buffers) {
    auto pieces = std::make_unique<std::vector<Buffer>>();
    size_t total = 0;
    for (Buffer &buffer : buffers)
      if (buffer.is_mapped()) total += buffer.bytes(), pieces->push_back(std::move(buffer));
    if (pieces->empty() || total > most_bytes) return;
    for (const Buffer &piece : *pieces) piece.may_be_reclaimed();
    std::unique_ptr<std::vector<Buffer>>(kept().exchange(pieces.release()));  // and let go of those before
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
