// The threads of one call, or of the calls of one training. They are started when first needed and stay until it ends,
// since a new thread takes a while to find a processor of its own.
#pragma once
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace schuss {

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
    if (threads == 1) return body(0);
    const std::function<void(int)> shared = std::cref(body);
    begin(threads, shared);
    body(0);
    std::unique_lock<std::mutex> alone(lock_);
    done_.wait(alone, [&] { return left_ == 0; });
  }

 private:
  void begin(int threads, const std::function<void(int)> &body) {
    {
      const std::lock_guard<std::mutex> alone(lock_);
      body_ = &body;
      size_ = threads;
      left_ = threads - 1;
      job_++;
    }
    wake_.notify_all();
    while (int(others_.size()) < threads - 1) others_.emplace_back(&Crew::work, this, int(others_.size()) + 1);
  }

  void work(int thread) {
    std::unique_lock<std::mutex> alone(lock_);
    for (long seen = 0;;) {
      wake_.wait(alone, [&] { return over_ || (job_ != seen && thread < size_); });
      if (over_) return;
      seen = job_;
      const std::function<void(int)> &body = *body_;
      alone.unlock();
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
  bool over_ = false;
  const pid_t process_ = getpid();
};

}  // namespace schuss
