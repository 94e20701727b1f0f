#include "distributed/process_group.h"

#include <dlfcn.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "base/check.h"
#include "base/interrupt.h"
#include "distributed/heartbeat.h"
#include "distributed/job_store.h"
#include "distributed/nccl.h"

namespace serendip {
namespace {

std::shared_ptr<gloo::transport::Device> make_device(const std::string& master_address) {
  using Gloo = c10d::ProcessGroupGloo;
  if (const auto interface = process_environment()("GLOO_SOCKET_IFNAME"))
    return Gloo::createDeviceForInterface(*interface);
  if (master_address == "localhost" || master_address == "::1" ||
      master_address.starts_with("127."))
    return Gloo::createDeviceForHostname(master_address);
  return Gloo::createDefaultDevice();
}

// From the library beside the program.
c10::intrusive_ptr<c10d::Backend> open_nccl(const c10::intrusive_ptr<c10d::Store>& store,
                                            int64_t rank, int64_t world_size,
                                            std::chrono::milliseconds timeout) {
  void* library = dlopen(kNcclLibrary, RTLD_NOW);
  if (library == nullptr) fail("NCCL: {}", dlerror());
  const auto make = reinterpret_cast<NewNccl*>(dlsym(library, kNewNccl));
  if (make == nullptr) fail("NCCL: {}", dlerror());
  return make(store, static_cast<int>(rank), static_cast<int>(world_size), timeout);
}

}  // namespace

struct ProcessGroup::Connection {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::Backend> gloo, nccl;  // nccl: where the group's device is a GPU
  std::unique_ptr<Heartbeat> heartbeat;
  bool failed = false;

  // They wait at their end for what others still owe. Where one of them is lost that would take
  // until the timeout, so it is left to the end of the process.
  ~Connection() {
    if (!failed) return;
    gloo.release();
    nccl.release();
  }
};

// Its exceptions become one Error that says which rank failed at what and, once the group has met,
// which one is lost.
template <typename Call>
void ProcessGroup::guard(const std::string& action, const Call& call) {
  std::string reason;
  try {
    return call();
  } catch (const c10::Error& error) {
    reason = error.what_without_backtrace();
  } catch (const std::exception& error) {
    reason = error.what();
  }
  connection_->failed = true;
  throw_if_interrupted();  // then the others were told to end, too
  const std::string lost = connection_->heartbeat ? connection_->heartbeat->find_lost() : "";
  if (lost.empty()) fail("rank {} of {}: {}: {}", rank_, world_size_, action, reason);
  fail("rank {} of {}: {}: {}; the same command goes on from the last checkpoint ({})", rank_,
       world_size_, action, lost, reason);
}

ProcessGroup::ProcessGroup(const LaunchInfo& launch, at::Device device,
                           std::chrono::seconds timeout)
    : rank_(launch.rank), world_size_(launch.world_size), device_(device) {
  if (world_size_ == 1) return;
  const std::string action =
      fmt::format("joining the group at {}:{}", launch.master_address, launch.master_port);
  connection_ = std::make_unique<Connection>();
  guard(action, [&] {
    connection_->store = join_job_store(launch, timeout);
    auto options = c10d::ProcessGroupGloo::Options::create_default(timeout);
    options->devices = {make_device(launch.master_address)};
    connection_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
        connection_->store, static_cast<int>(rank_), static_cast<int>(world_size_), options);
    if (device.is_cuda())
      connection_->nccl =
          open_nccl(c10::make_intrusive<c10d::PrefixStore>("nccl", connection_->store->clone()),
                    rank_, world_size_, timeout);
    connection_->heartbeat =
        std::make_unique<Heartbeat>(connection_->store->clone(), rank_, world_size_);
  });
}

ProcessGroup::~ProcessGroup() = default;

void ProcessGroup::check_device(const std::string& action, const at::Tensor& tensor) const {
  SERENDIP_CHECK(tensor.is_cpu() || tensor.device() == device_,
                 "{}: expected a tensor on {}, got one on {}", action,
                 device_.is_cpu() ? "cpu" : "cpu or " + device_.str(), tensor.device().str());
}

c10d::Backend& ProcessGroup::backend_of(const at::Tensor& tensor) const {
  return tensor.is_cpu() ? *connection_->gloo : *connection_->nccl;
}

void ProcessGroup::all_reduce_sum(at::Tensor& tensor) {
  at::Tensor dense = tensor.contiguous();
  start_all_reduce_sum(dense).wait();
  if (!dense.is_same(tensor)) tensor.copy_(dense);
}

PendingWork ProcessGroup::start_all_reduce_sum(const at::Tensor& tensor) {
  check_device("all_reduce_sum", tensor);
  if (!connection_) return {};
  c10::intrusive_ptr<c10d::Work> work;
  guard("all-reduce", [&] {
    std::vector<at::Tensor> tensors{tensor};
    work = backend_of(tensor).allreduce(tensors);
  });
  return PendingWork([work, this] { guard("all-reduce", [&] { work->wait(); }); });
}

void ProcessGroup::all_gather(const at::Tensor& whole) {
  check_device("all_gather", whole);
  SERENDIP_CHECK(whole.numel() % world_size_ == 0,
                 "all_gather: expected a multiple of {} elements, got {}", world_size_,
                 whole.numel());
  if (!connection_) return;
  guard("all-gather", [&] {
    const int64_t size = whole.numel() / world_size_;
    at::Tensor out = whole, own = whole.narrow(0, rank_ * size, size).clone();
    backend_of(whole)._allgather_base(out, own)->wait();
  });
}

void ProcessGroup::barrier() {
  if (!connection_) return;
  guard("barrier", [&] { connection_->gloo->barrier()->wait(); });
}

}  // namespace serendip
