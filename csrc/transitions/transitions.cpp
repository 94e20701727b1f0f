#include "transitions/transitions.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <span>

#include "base/check.h"
#include "base/file.h"
#include "base/hdf5_file.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

// One line of JSONL into the set; throws with a reason that does not name the place.
void parse_line(const std::string& line, TransitionSet& set) {
  const nlohmann::json row = nlohmann::json::parse(line, nullptr, false);
  SERENDIP_CHECK(row.is_object(), "not a JSON object");
  const auto integer = [](const nlohmann::json& value, const char* what, int64_t low,
                          int64_t high) {
    SERENDIP_CHECK(value.is_number_integer() && value >= low && value <= high,
                   "{} is {}, expected a whole number ≥ {}", what, value.dump(), low);
    return value.get<int64_t>();
  };
  for (const char* key : {"context", "label", "count"}) {
    SERENDIP_CHECK(row.contains(key), "no \"{}\"", key);
  }
  SERENDIP_CHECK(row["context"].is_array() && !row["context"].empty(),
                 "context is {}, expected a list of clusters", row["context"].dump());
  const auto size = static_cast<int64_t>(row["context"].size());
  SERENDIP_CHECK(set.label.empty() || size == set.context_size,
                 "context of {} clusters, expected {} as in the lines above", size,
                 set.context_size);
  set.context_size = size;
  for (const nlohmann::json& cluster : row["context"]) {
    set.context.push_back(static_cast<int32_t>(integer(cluster, "context", 0, INT32_MAX)));
  }
  set.label.push_back(static_cast<int32_t>(integer(row["label"], "label", 0, INT32_MAX)));
  set.count.push_back(integer(row["count"], "count", 1, INT64_MAX));
}

void check_rows(const Hdf5File& file, const fs::path& path, const std::string& group, size_t rows,
                const std::string& other) {
  const std::vector<int64_t> shape = file.shape(group + "/context");
  SERENDIP_CHECK(shape.size() == 2 && shape[0] == static_cast<int64_t>(rows),
                 "{}: {}/context has shape [{}], expected [{}, K]", path.string(), group,
                 fmt::join(shape, ", "), rows);
  const std::vector<int64_t> other_shape = file.shape(group + other);
  SERENDIP_CHECK(other_shape.size() == 1 && other_shape[0] == static_cast<int64_t>(rows),
                 "{}: {}{} has shape [{}], expected [{}]", path.string(), group, other,
                 fmt::join(other_shape, ", "), rows);
}

UserTransitions read_users(const Hdf5File& file, const fs::path& path, const std::string& group) {
  UserTransitions result;
  result.label = file.read<int32_t>(group + "/label");
  check_rows(file, path, group, result.label.size(), "/user");
  result.context_size = file.shape(group + "/context")[1];
  result.context = file.read<int32_t>(group + "/context");
  result.user = file.read<int32_t>(group + "/user");
  return result;
}

template <typename Rows>
void write_rows(Hdf5File& file, const std::string& group, const Rows& rows) {
  file.write<int32_t>(group + "/context", std::span<const int32_t>(rows.context),
                      {static_cast<int64_t>(rows.label.size()), rows.context_size});
  file.write(group + "/label", rows.label);
}

}  // namespace

TransitionSet load_transition_set(const fs::path& path) {
  std::ifstream in(path);
  SERENDIP_CHECK(in.good(), "{}: cannot open", path.string());
  TransitionSet set;
  std::string line;
  for (int64_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      parse_line(line, set);
    } catch (const Error& error) {
      fail("{}:{}: {}", path.string(), number, error.what());
    }
  }
  SERENDIP_CHECK(!in.bad(), "{}: cannot read", path.string());
  return set;
}

void save_transition_set(const TransitionSet& set, const fs::path& path) {
  fmt::memory_buffer text;
  for (int64_t row = 0; row < set.size(); ++row) {
    const std::span<const int32_t> context(set.context_of(row),
                                           static_cast<size_t>(set.context_size));
    fmt::format_to(std::back_inserter(text), "{{\"context\":[{}],\"label\":{},\"count\":{}}}\n",
                   fmt::join(context, ","), set.label[static_cast<size_t>(row)],
                   set.count[static_cast<size_t>(row)]);
  }
  write_file(path, {text.data(), text.size()});
}

Transitions load_transitions(const fs::path& path) {
  const Hdf5File file = Hdf5File::open(path);
  Transitions result;
  TransitionSet& all = result.all;
  all.label = file.read<int32_t>("/all/label");
  check_rows(file, path, "/all", all.label.size(), "/count");
  all.context_size = file.shape("/all/context")[1];
  all.context = file.read<int32_t>("/all/context");
  all.count = file.read<int64_t>("/all/count");
  result.dev = read_users(file, path, "/dev");
  result.test = read_users(file, path, "/test");
  for (const UserTransitions* users : {&result.dev, &result.test}) {
    SERENDIP_CHECK(users->context_size == all.context_size,
                   "{}: contexts of {} held-out clusters, expected {} as in /all", path.string(),
                   users->context_size, all.context_size);
  }
  return result;
}

void save_transitions(const Transitions& transitions, const fs::path& path) {
  write_hdf5(path, [&](Hdf5File& file) {
    write_rows(file, "/all", transitions.all);
    file.write("/all/count", transitions.all.count);
    write_rows(file, "/dev", transitions.dev);
    file.write("/dev/user", transitions.dev.user);
    write_rows(file, "/test", transitions.test);
    file.write("/test/user", transitions.test.user);
  });
}

}  // namespace serendip
