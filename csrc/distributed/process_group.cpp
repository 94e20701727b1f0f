#include "distributed/process_group.h"

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "base/check.h"

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

// Runs a c10d call; its exceptions become one Error that says which rank failed at what.
template <typename Call>
void guard(int64_t rank, int64_t world_size, const std::string& action, const Call& call) {
  try {
    call();
  } catch (const c10::Error& error) {
    fail("rank {} of {}: {}: {}", rank, world_size, action, error.what_without_backtrace());
  } catch (const std::exception& error) {
    fail("rank {} of {}: {}: {}", rank, world_size, action, error.what());
  }
}

}  // namespace

struct ProcessGroup::Connection {
  c10::intrusive_ptr<c10d::TCPStore> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
};

ProcessGroup::ProcessGroup(const LaunchInfo& launch, std::chrono::seconds timeout)
    : rank_(launch.rank), world_size_(launch.world_size) {
  if (world_size_ == 1) return;
  const std::string action =
      fmt::format("joining the group at {}:{}", launch.master_address, launch.master_port);
  guard(rank_, world_size_, action, [&] {
    connection_ = std::make_unique<Connection>();
    c10d::TCPStoreOptions store_options;
    store_options.port = static_cast<uint16_t>(launch.master_port);
    store_options.isServer = rank_ == 0;
    store_options.numWorkers = static_cast<size_t>(world_size_);
    store_options.timeout = timeout;
    connection_->store = c10::make_intrusive<c10d::TCPStore>(launch.master_address, store_options);
    auto options = c10d::ProcessGroupGloo::Options::create_default(timeout);
    options->devices = {make_device(launch.master_address)};
    connection_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
        connection_->store, static_cast<int>(rank_), static_cast<int>(world_size_), options);
  });
}

ProcessGroup::~ProcessGroup() = default;
ProcessGroup::ProcessGroup(ProcessGroup&& other) noexcept = default;
ProcessGroup& ProcessGroup::operator=(ProcessGroup&& other) noexcept = default;

void ProcessGroup::all_reduce_sum(at::Tensor& tensor) {
  at::Tensor dense = tensor.contiguous();
  start_all_reduce_sum(dense).wait();
  if (!dense.is_same(tensor)) tensor.copy_(dense);
}

PendingWork ProcessGroup::start_all_reduce_sum(const at::Tensor& tensor) {
  SERENDIP_CHECK(tensor.is_cpu(), "all_reduce_sum: expected a tensor on cpu, got one on {}",
                 tensor.device().str());
  if (!connection_) return {};
  c10::intrusive_ptr<c10d::Work> work;
  guard(rank_, world_size_, "all-reduce", [&] {
    std::vector<at::Tensor> tensors{tensor};
    work = connection_->gloo->allreduce(tensors, {});
  });
  return PendingWork([work, rank = rank_, world_size = world_size_] {
    guard(rank, world_size, "all-reduce", [&] { work->wait(); });
  });
}

void ProcessGroup::all_gather(const at::Tensor& whole) {
  SERENDIP_CHECK(whole.is_cpu() && whole.numel() % world_size_ == 0,
                 "all_gather: expected a multiple of {} elements on cpu, got {} on {}", world_size_,
                 whole.numel(), whole.device().str());
  if (!connection_) return;
  guard(rank_, world_size_, "all-gather", [&] {
    const int64_t size = whole.numel() / world_size_;
    at::Tensor out = whole, own = whole.narrow(0, rank_ * size, size).clone();
    connection_->gloo->_allgather_base(out, own, {})->wait();
  });
}

void ProcessGroup::barrier() {
  if (!connection_) return;
  guard(rank_, world_size_, "barrier", [&] { connection_->gloo->barrier({})->wait(); });
}

}  // namespace serendip
