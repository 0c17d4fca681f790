// The workspace of a training under way and its threads, kept from call to call. What stands in the workspace is known
// by a ticket, which is given out with the state that a call returns and taken back with the state that the next one
// is given. No number is given out twice, so a workspace is never taken for what it is not.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "crew.hpp"
#include "workspace.hpp"

namespace schuss {

using Ticket = long;  // 0: none

inline Ticket new_ticket() {
  static std::atomic<Ticket> last{0};
  return ++last;
}

template <class T> class Room {
 public:
  using Item = std::unique_ptr<Workspace<T>>;

  // Of those beyond, memory counts for more than what it costs to build them: they are emptied as their call ends.
  static constexpr size_t most_bytes = size_t(1) << 26;

  Room() = default;
  ~Room() { forget_others(); }

  // The one that is kept, if it serves, with what stands in it; nothing else is kept from then on.
  std::pair<Item, Ticket> take(const Problem &problem, const Table<T> &table, const Needs &needs) {
    const std::lock_guard<std::mutex> alone(lock_);
    const Ticket ticket = std::exchange(ticket_, 0);
    Item item = std::move(item_);
    if (!item || !(problem == problem_) || !item->serves(table, needs)) return {};
    return {std::move(item), ticket};
  }

  // The threads of the last call, or none yet; they cannot be in two calls at once.
  std::unique_ptr<Crew> take_crew() {
    const std::lock_guard<std::mutex> alone(lock_);
    forget_others();
    return crew_ ? std::move(crew_) : std::make_unique<Crew>();
  }
  void put(std::unique_ptr<Crew> crew) {
    const std::lock_guard<std::mutex> alone(lock_);
    crew_ = std::move(crew);
  }

  void put(const Problem &problem, Item item, Ticket ticket) {
    const std::lock_guard<std::mutex> alone(lock_);
    problem_ = problem;
    item_ = std::move(item);
    ticket_ = ticket;
  }

 private:
  // Of a process that was forked: the threads are not here, and cannot be waited for.
  void forget_others() {
    if (crew_ && !crew_->is_here()) static_cast<void>(crew_.release());
  }

  std::mutex lock_;
  Problem problem_;
  Item item_;
  std::unique_ptr<Crew> crew_;
  Ticket ticket_ = 0;
};

// Where a call finds a workspace, and leaves it; and what it was told of the one that it finds.
template <class T> struct Kept {
  Room<T> *room = nullptr;
  Ticket ticket = 0;
};

}  // namespace schuss
