// Work of a device that is the same every time: the same operations on the same memory. A GPU
// records it once and replays it as one launch.
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>

namespace serendip {

class WorkGraph {
 public:
  WorkGraph() = default;
  virtual ~WorkGraph() = default;
  WorkGraph(const WorkGraph&) = delete;
  WorkGraph& operator=(const WorkGraph&) = delete;

  // Runs `work`, or what was recorded of it in an earlier call. It neither reads from the device
  // nor writes to it from the host; what it makes for itself is not seen from outside.
  virtual void run(const std::function<void()>& work) = 0;
};

using MakeWorkGraph = std::function<std::unique_ptr<WorkGraph>(torch::Device)>;

// A CUDA graph, recorded at the second run, on a GPU; elsewhere the work itself, every time.
std::unique_ptr<WorkGraph> make_work_graph(torch::Device device);

}  // namespace serendip
