#include "tests/infer/strict_device.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <c10/core/Storage.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace serendip {
namespace {

using torch::Tensor;

constexpr uintptr_t kTag = uintptr_t{1} << 62;  // no address of a process: reading there faults
constexpr auto kDevice = c10::DeviceType::PrivateUse1;
const std::set<std::string> kSizedByValues = {"aten::nonzero", "aten::masked_select",
                                              "aten::_unique2", "aten::repeat_interleave"};

std::atomic<int64_t> reads = 0, replays = 0;

using Recording = std::vector<std::function<void()>>;  // an operation each, to be repeated

Recording* recording = nullptr;  // what is being recorded, if anything

void count_read(const std::string& operation) {
  TORCH_CHECK(recording == nullptr, operation, ": the host reads from the device in a graph");
  ++reads;
}

void* tagged(void* host) {
  return host == nullptr ? host : reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(host) | kTag);
}
void* untagged(void* device) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(device) & ~kTag);
}

bool is_ours(const Tensor& tensor) { return tensor.defined() && tensor.device().type() == kDevice; }

// The same memory as the host sees it, until an operation gives it another size.
Tensor on_host(const Tensor& tensor) {
  if (!is_ours(tensor)) return tensor;
  const c10::Storage& storage = tensor.storage();
  const c10::Storage same(c10::Storage::use_byte_size_t(), storage.nbytes(),
                          c10::DataPtr(untagged(storage.mutable_data()), c10::kCPU),
                          c10::GetAllocator(c10::kCPU), /*resizable=*/true);
  return at::empty({0}, tensor.options().device(c10::kCPU))
      .set_(same, tensor.storage_offset(), tensor.sizes(), tensor.strides());
}

// A tensor of the device and the host's view of it.
struct Argument {
  Tensor device, host;
};

c10::Storage storage_on_device(const Tensor& host) {
  auto* keeper = new Tensor(host);
  return {c10::Storage::use_byte_size_t(), host.storage().nbytes(),
          c10::DataPtr(
              tagged(host.storage().mutable_data()), keeper,
              [](void* kept) { delete static_cast<Tensor*>(kept); }, c10::Device(kDevice, 0))};
}

// A host tensor as the device's: on the storage of the argument whose memory it shares, if any,
// else on its own memory.
Tensor on_device(const Tensor& host, const std::vector<Argument>& arguments) {
  if (!host.defined()) return host;
  const void* memory = host.storage().data();
  c10::Storage storage;
  for (const Argument& argument : arguments)
    if (memory != nullptr && argument.host.storage().data() == memory)
      storage = argument.device.storage();
  if (!storage) storage = storage_on_device(host);
  Tensor result = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), host.dtype());
  result.unsafeGetTensorImpl()->set_sizes_and_strides(host.sizes(), host.strides(),
                                                      host.storage_offset());
  return result;
}

// Collects the device's tensors of an argument and gives the host's in their place.
c10::IValue argument_on_host(const c10::IValue& value, const std::string& operation,
                             std::vector<Argument>& arguments) {
  const auto moved = [&](const Tensor& tensor) {
    TORCH_CHECK(!tensor.defined() || is_ours(tensor) || tensor.dim() == 0, operation,
                ": expected a tensor of the device, got one of ", tensor.device());
    const Tensor host = on_host(tensor);
    if (is_ours(tensor)) arguments.push_back({tensor, host});
    return host;
  };
  if (value.isTensor()) return moved(value.toTensor());
  if (value.isTensorList()) {
    c10::List<Tensor> list;
    for (const Tensor& tensor : value.toTensorVector()) list.push_back(moved(tensor));
    return list;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<Tensor>> list;
    for (const std::optional<Tensor>& tensor : value.toOptionalTensorVector())
      list.push_back(tensor ? std::optional(moved(*tensor)) : std::nullopt);
    return list;
  }
  if (value.isDevice() && value.toDevice().type() == kDevice) return c10::Device(c10::kCPU);
  return value;
}

// What an operation with a place for its result has made of that place.
void take_new_size(const Argument& argument) {
  c10::TensorImpl* tensor = argument.device.unsafeGetTensorImpl();
  if (untagged(argument.device.storage().mutable_data()) != argument.host.storage().data())
    tensor->set_storage_keep_dtype(storage_on_device(argument.host));
  tensor->set_sizes_and_strides(argument.host.sizes(), argument.host.strides(),
                                argument.host.storage_offset());
}

c10::IValue result_on_device(const c10::IValue& value, const std::vector<Argument>& arguments) {
  if (value.isTensor()) return on_device(value.toTensor(), arguments);
  if (value.isTensorList()) {
    c10::List<Tensor> list;
    for (const Tensor& tensor : value.toTensorVector())
      list.push_back(on_device(tensor, arguments));
    return list;
  }
  count_read("an operation that returns a number");
  return value;
}

void compute_on_host(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  const c10::FunctionSchema& schema = operation.schema();
  const std::string name = schema.name();
  std::vector<Argument> arguments;
  const auto count = static_cast<int64_t>(schema.arguments().size());
  for (auto at = stack->end() - count; at != stack->end(); ++at)
    *at = argument_on_host(*at, name, arguments);
  if (kSizedByValues.count(name) > 0) count_read(name);
  operation.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  for (const Argument& argument : arguments) take_new_size(argument);
  const auto results = static_cast<int64_t>(schema.returns().size());
  for (auto at = stack->end() - results; at != stack->end(); ++at)
    *at = result_on_device(*at, arguments);
}

void overwrite(const Tensor& target, const Tensor& source) {
  if (!is_ours(target) || target.storage().data() == source.storage().data()) return;
  TORCH_CHECK(target.sizes() == source.sizes(), "a replayed operation has changed its size");
  on_host(target).copy_(on_host(source));
}

// The operation again, its results in the memory that they had.
void repeat(const c10::OperatorHandle& operation, torch::jit::Stack stack,
            const torch::jit::Stack& returned) {
  compute_on_host(operation, &stack);
  for (size_t i = 0; i < stack.size(); ++i) {
    if (stack[i].isTensor()) overwrite(returned[i].toTensor(), stack[i].toTensor());
    if (!stack[i].isTensorList()) continue;
    const std::vector<Tensor> target = returned[i].toTensorVector(),
                              source = stack[i].toTensorVector();
    for (size_t j = 0; j < target.size(); ++j) overwrite(target[j], source[j]);
  }
}

// Any operation, computed by the CPU on the same memory.
void compute(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  if (recording == nullptr) {
    compute_on_host(operation, stack);
    return;
  }
  const auto arguments = static_cast<int64_t>(operation.schema().arguments().size()),
             results = static_cast<int64_t>(operation.schema().returns().size());
  const torch::jit::Stack called_on(stack->end() - arguments, stack->end());
  compute_on_host(operation, stack);
  const torch::jit::Stack returned(stack->end() - results, stack->end());
  recording->push_back([=] { repeat(operation, called_on, returned); });
}

class StrictGraph : public WorkGraph {
 public:
  void run(const std::function<void()>& work) override {
    if (++runs_ == 1) {
      work();
    } else if (runs_ == 2) {
      recording = &recording_;
      const auto stop = [](Recording**) { recording = nullptr; };
      const std::unique_ptr<Recording*, decltype(stop)> until_end(&recording, stop);
      work();
    } else {
      ++replays;
      for (const std::function<void()>& step : recording_) step();
    }
  }

 private:
  Recording recording_;
  int64_t runs_ = 0;
};

Tensor empty(c10::IntArrayRef size, std::optional<c10::ScalarType> dtype,
             std::optional<c10::Layout>, std::optional<c10::Device>, std::optional<bool>,
             std::optional<c10::MemoryFormat>) {
  return on_device(at::empty(size, at::TensorOptions(dtype.value_or(c10::kFloat))), {});
}

Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride,
                     std::optional<c10::ScalarType> dtype, std::optional<c10::Layout>,
                     std::optional<c10::Device>, std::optional<bool>) {
  return on_device(at::empty_strided(size, stride, at::TensorOptions(dtype.value_or(c10::kFloat))),
                   {});
}

Tensor copy_from(const Tensor& source, const Tensor& target, bool) {
  const bool is_device_copy = is_ours(source) && is_ours(target);
  TORCH_CHECK(recording == nullptr || is_device_copy, "a copy between device and host in a graph");
  if (!is_ours(target)) ++reads;
  const auto copy = [=] { on_host(target).copy_(on_host(source)); };
  if (recording != nullptr) recording->push_back(copy);
  copy();
  return target;
}

C10_REGISTER_GUARD_IMPL(PrivateUse1, c10::impl::NoOpDeviceGuardImpl<kDevice>);

}  // namespace

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&compute>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("_copy_from", copy_from);
}

torch::Device strict_device() { return {kDevice, 0}; }

int64_t host_reads() { return reads; }

std::unique_ptr<WorkGraph> make_strict_graph(torch::Device) {
  return std::make_unique<StrictGraph>();
}

int64_t graph_replays() { return replays; }

}  // namespace serendip
