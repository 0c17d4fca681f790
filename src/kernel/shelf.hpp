// Workspaces laid aside, so that small calls need not build one, and what was found out about threads. A call
// takes one down and has it alone.
#pragma once
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "pace.hpp"
#include "workspace.hpp"

namespace schuss {

template <class T> class Shelf {
 public:
  using Item = std::unique_ptr<Workspace<T>>;
  static constexpr size_t most_bytes = size_t(1) << 21;  // of one that is laid aside

  // One that serves, or a new one.
  Item take(const Problem &problem, const Table<T> &table, const Needs &needs,
            const Workspace<T> *lender = nullptr) {
    {
      const std::lock_guard<std::mutex> alone(lock_);
      for (Item &item : items_)
        if (item->serves(table, needs)) {
          std::swap(item, items_.back());
          Item found = std::move(items_.back());
          items_.pop_back();
          return found;
        }
    }
    return Item(new Workspace<T>(problem, table, needs, lender));
  }

  // Large ones are let go, but where a training keeps them (see room.hpp), and those that serve only once.
  void put(Item item) {
    const std::lock_guard<std::mutex> alone(lock_);
    if (item->bytes() > most_bytes || !item->serves_again()) return;
    if (items_.size() == most_items) items_.erase(items_.begin());
    items_.push_back(std::move(item));
  }

  // What is known of batches of so many rows, for at most so many threads.
  Pace pace(long batch_size, int most) {
    const std::lock_guard<std::mutex> alone(lock_);
    return batch_size == paced_ && pace_.most() == most ? pace_ : Pace(most);
  }
  void put(long batch_size, const Pace &pace) {
    const std::lock_guard<std::mutex> alone(lock_);
    paced_ = batch_size;
    pace_ = pace;
  }

 private:
  static constexpr size_t most_items = 4;
  std::mutex lock_;
  std::vector<Item> items_;
  Pace pace_{1};
  long paced_ = 0;
};

}  // namespace schuss
