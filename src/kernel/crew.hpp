// The threads of one call, or of the calls of one training. They are started when first needed and stay until it ends,
// since a new thread takes a while to find a processor of its own.
#pragma once
#if defined(__linux__)
#include <sched.h>
#endif
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "rounding.hpp"

namespace schuss {

// The processor that runs this thread, and the way to another: left to themselves, two threads may share one for ten
// milliseconds.
#if defined(__linux__)
inline int processor() { return sched_getcpu(); }
inline void leave(int processor) {
  cpu_set_t all, others;
  if (sched_getcpu() != processor || sched_getaffinity(0, sizeof all, &all) != 0) return;
  others = all;
  CPU_CLR(processor, &others);
  if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
    sched_setaffinity(0, sizeof all, &all);
}
#else
inline int processor() { return 0; }
inline void leave(int) {}
#endif

class Crew {
 public:
  Crew() = default;
  Crew(const Crew &) = delete;
  Crew &operator=(const Crew &) = delete;
  ~Crew() {
    {
      const std::lock_guard<std::mutex> alone(lock_);
      over_ = true;
    }
    wake_.notify_all();
    for (std::thread &other : others_) other.join();
  }

  // Whether this is still the process that made it.
  bool is_here() const { return process_ == getpid(); }

  // Run body(thread) on `threads` threads, this one included.
  template <class F> void run(int threads, const F &body) {
    const UsualRounding here;
    if (threads == 1) return body(0);
    const std::function<void(int)> shared = std::cref(body);
    begin(threads, shared);
    body(0);
    std::unique_lock<std::mutex> alone(lock_);
    done_.wait(alone, [&] { return left_ == 0; });
  }

 private:
  // Threads are there before the job: one that cannot be started must not be waited for by those that can.
  void begin(int threads, const std::function<void(int)> &body) {
    while (int(others_.size()) < threads - 1) others_.emplace_back(&Crew::work, this, int(others_.size()) + 1);
    {
      const std::lock_guard<std::mutex> alone(lock_);
      body_ = &body;
      size_ = threads;
      left_ = threads - 1;
      job_++;
      maker_ = processor();
    }
    wake_.notify_all();
  }

  void work(int thread) {
    const UsualRounding here;  // a thread begins with that of its maker
    std::unique_lock<std::mutex> alone(lock_);
    for (long seen = 0;;) {
      wake_.wait(alone, [&] { return over_ || (job_ != seen && thread < size_); });
      if (over_) return;
      seen = job_;
      const std::function<void(int)> &body = *body_;
      const int maker = maker_;
      alone.unlock();
      leave(maker);
      body(thread);
      alone.lock();
      if (--left_ == 0) done_.notify_one();
    }
  }

  std::mutex lock_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> others_;
  const std::function<void(int)> *body_ = nullptr;
  long job_ = 0;
  int size_ = 0, left_ = 0;
  int maker_ = 0;  // the processor of the thread that runs the job
  bool over_ = false;
  const pid_t process_ = getpid();
};

// A crew that stays for the next call, whichever that is: one is kept in a process.
class KeptCrew {
 public:
  template <class F> static void run(int threads, const F &body) {
    const UsualRounding here;
    if (threads == 1) return body(0);
    std::unique_ptr<Crew> crew = take();
    if (!crew) crew = std::make_unique<Crew>();
    crew->run(threads, body);
    std::unique_ptr<Crew>(kept().crew.exchange(crew.release()));  // and let go of that of a call at the same time
  }

 private:
  // No lock, since a process may be forked at any time.
  struct Kept {
    std::atomic<Crew *> crew{nullptr};
    ~Kept() { take(); }
  };
  static Kept &kept() {
    static Kept kept;
    return kept;
  }
  // Threads of a process that was forked are not here, and cannot be waited for.
  static std::unique_ptr<Crew> take() {
    Crew *crew = kept().crew.exchange(nullptr);
    return std::unique_ptr<Crew>(crew && crew->is_here() ? crew : nullptr);
  }
};

}  // namespace schuss
