#include "distributed/launch.h"

#include <charconv>
#include <cstdlib>

#include "base/check.h"

namespace serendip {
namespace {

// Slurm gives no port: one a job, outside the usual ephemeral range.
constexpr int64_t kFirstSlurmPort = 20000, kSlurmPorts = 10000;

std::optional<int64_t> find_number(const Environment& environment, const char* name, int64_t low,
                                   int64_t high) {
  const std::optional<std::string> text = environment(name);
  if (!text) return std::nullopt;
  int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  SERENDIP_CHECK(error == std::errc() && stop == end && value >= low && value <= high,
                 "environment variable {}: expected a number from {} to {}, got \"{}\"", name, low,
                 high, *text);
  return value;
}

int64_t need_number(const Environment& environment, const char* name, int64_t low, int64_t high,
                    const char* because) {
  const std::optional<int64_t> value = find_number(environment, name, low, high);
  SERENDIP_CHECK(value, "environment variable {}: expected a number since {} is set, got nothing",
                 name, because);
  return *value;
}

void read_master(const Environment& environment, LaunchInfo& info) {
  info.master_address = environment("MASTER_ADDR").value_or(info.master_address);
  info.master_port =
      find_number(environment, "MASTER_PORT", 1, UINT16_MAX).value_or(info.master_port);
}

LaunchInfo from_torchrun(const Environment& environment) {
  LaunchInfo info;
  info.world_size = need_number(environment, "WORLD_SIZE", 1, INT32_MAX, "RANK");
  const bool pod = !environment("RANK") && environment("JOB_COMPLETION_INDEX");
  info.rank = need_number(environment, pod ? "JOB_COMPLETION_INDEX" : "RANK", 0,
                          info.world_size - 1, "WORLD_SIZE");
  info.local_rank =
      find_number(environment, "LOCAL_RANK", 0, info.world_size - 1).value_or(pod ? 0 : info.rank);
  info.agent_store = environment("TORCHELASTIC_USE_AGENT_STORE") == "True";
  info.restart_count =
      find_number(environment, "TORCHELASTIC_RESTART_COUNT", 0, INT32_MAX).value_or(0);
  info.can_meet = info.world_size == 1 || environment("MASTER_ADDR");
  read_master(environment, info);
  return info;
}

LaunchInfo from_slurm(const Environment& environment) {
  const char* step = "SLURM_STEP_ID";
  LaunchInfo info;
  info.world_size = need_number(environment, "SLURM_STEP_NUM_TASKS", 1, INT32_MAX, step);
  info.rank = need_number(environment, "SLURM_PROCID", 0, info.world_size - 1, step);
  info.local_rank = need_number(environment, "SLURM_LOCALID", 0, info.world_size - 1, step);
  if (const auto nodes = environment("SLURM_STEP_NODELIST"))
    info.master_address = first_slurm_host(*nodes);
  if (const auto job = find_number(environment, "SLURM_JOB_ID", 0, INT64_MAX))
    info.master_port = kFirstSlurmPort + *job % kSlurmPorts;
  read_master(environment, info);
  return info;
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

std::string first_slurm_host(const std::string& node_list) {
  const size_t bracket = node_list.find('['), comma = node_list.find(',');
  if (bracket > comma || bracket == std::string::npos) return node_list.substr(0, comma);
  const size_t number_end = node_list.find_first_of(",-]", bracket);
  SERENDIP_CHECK(number_end != std::string::npos,
                 "Slurm node list: expected \"name[first-last]\", got \"{}\"", node_list);
  return node_list.substr(0, bracket) + node_list.substr(bracket + 1, number_end - bracket - 1);
}

LaunchInfo launch_info(const Environment& environment) {
  if (environment("RANK") || environment("WORLD_SIZE")) return from_torchrun(environment);
  // Only inside a step: a batch script has SLURM_PROCID too but runs once, not once a task.
  if (environment("SLURM_STEP_ID") && environment("SLURM_PROCID")) return from_slurm(environment);
  LaunchInfo info;
  read_master(environment, info);
  return info;
}

}  // namespace serendip
