// A function that runs on its own stack, and can be left in the middle and resumed. x86-64 only.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#error "fibers switch stacks in x86-64 assembly"
#endif

// Keeps the stack pointer in *kept and goes on where `next` was kept. What the calling convention
// makes the callee's travels on the stack; control words of the floating-point units do not. Out of
// the compiler's sight, so that no analysis across functions takes it for harmless. It jumps
// because a return to where no call came from is always predicted wrongly.
asm(R"(
  .pushsection .text.cuda_on_host_switch_stack,"axG",@progbits,cuda_on_host_switch_stack,comdat
  .weak cuda_on_host_switch_stack
  .type cuda_on_host_switch_stack,@function
cuda_on_host_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmp *%rcx
  .size cuda_on_host_switch_stack,.-cuda_on_host_switch_stack
  .popsection
)");
extern "C" void cuda_on_host_switch_stack(void** kept, void* next);

namespace cuda_on_host {

// Memory is taken page by page as it is used; a page below catches overflow. Stacks of neighbouring
// numbers begin at different places of their page, so that their tops do not share cache sets.
class Stack {
 public:
  static constexpr size_t kBytes = 256 * 1024;

  explicit Stack(size_t number)
      : offset_(number % 32 * 384),
        memory_(mmap(nullptr, kGuardBytes + kBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    mprotect(memory_, kGuardBytes, PROT_NONE);
  }
  Stack(Stack&& other) noexcept
      : offset_(other.offset_), memory_(std::exchange(other.memory_, nullptr)) {}
  Stack& operator=(Stack&&) = delete;
  ~Stack() {
    if (memory_ != nullptr) munmap(memory_, kGuardBytes + kBytes);
  }
  char* bottom() const { return static_cast<char*>(memory_) + kGuardBytes; }
  // Aligned to 16 bytes.
  char* top() const { return bottom() + kBytes - offset_; }

 private:
  static constexpr size_t kGuardBytes = 4096;
  size_t offset_;
  void* memory_;
};

class Fiber {
 public:
  // The first resume() calls `run`, which must not throw. Both must outlive the fiber's run.
  void start(const Stack& stack, const std::function<void()>& run) {
    run_ = &run;
    bottom_ = stack.bottom();
    // As after a call: six registers, the address to return to, and an empty return address.
    constexpr size_t kRegisters = 6, kWords = kRegisters + 2;
    auto** top = reinterpret_cast<void**>(stack.top()) - kWords;
    for (size_t word = 0; word < kWords; ++word) top[word] = nullptr;
    top[kRegisters] = reinterpret_cast<void*>(&Fiber::main);
    pointer_ = top;
  }

  // Runs the fiber until it suspends itself or returns.
  void resume() {
    running = this;
    void* kept = nullptr;
    leave(&kept, bottom_, Stack::kBytes);
    cuda_on_host_switch_stack(&resumer_, pointer_);
    arrive(kept, nullptr, nullptr);
  }

  // On the fiber: goes back to whoever resumed it, until the next resume().
  void suspend() {
    void* kept = nullptr;
    leave(&kept, resumer_bottom_, resumer_bytes_);
    cuda_on_host_switch_stack(&pointer_, resumer_);
    arrive(kept, &resumer_bottom_, &resumer_bytes_);
  }

 private:
  static void main() {
    Fiber* self = running;
    arrive(nullptr, &self->resumer_bottom_, &self->resumer_bytes_);
    (*self->run_)();
    leave(nullptr, self->resumer_bottom_, self->resumer_bytes_);
    cuda_on_host_switch_stack(&self->pointer_, self->resumer_);
    __builtin_unreachable();
  }

  // AddressSanitizer must be told of every change of stack.
#if defined(__SANITIZE_ADDRESS__)
  static void leave(void** kept, const void* bottom, size_t bytes) {
    __sanitizer_start_switch_fiber(kept, bottom, bytes);
  }
  static void arrive(void* kept, const void** bottom, size_t* bytes) {
    __sanitizer_finish_switch_fiber(kept, bottom, bytes);
  }
#else
  static void leave(void**, const void*, size_t) {}
  static void arrive(void*, const void**, size_t*) {}
#endif

  static inline thread_local constinit Fiber* running = nullptr;
  const std::function<void()>* run_ = nullptr;
  const char* bottom_ = nullptr;
  void* pointer_ = nullptr;
  void* resumer_ = nullptr;
  const void* resumer_bottom_ = nullptr;
  size_t resumer_bytes_ = 0;
};

}  // namespace cuda_on_host
