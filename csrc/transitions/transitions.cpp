#include "transitions/transitions.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/hdf5_file.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kBlockRows = 1 << 16;

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

void append_lines(const TransitionSet& set, fmt::memory_buffer& text) {
  const auto append = [&](std::string_view part) { text.append(part); };
  const auto append_number = [&](int64_t number) {
    const fmt::format_int digits(number);
    append({digits.data(), digits.size()});
  };
  for (int64_t row = 0; row < set.size(); ++row) {
    append("{\"context\":[");
    for (int64_t k = 0; k < set.context_size; ++k) {
      if (k > 0) append(",");
      append_number(set.context_of(row)[k]);
    }
    append("],\"label\":");
    append_number(set.label[static_cast<size_t>(row)]);
    append(",\"count\":");
    append_number(set.count[static_cast<size_t>(row)]);
    append("}\n");
  }
}

// Returns the rows of the group.
int64_t check_rows(const Hdf5File& file, const fs::path& path, const std::string& group,
                   const std::string& other) {
  const std::vector<int64_t> label_shape = file.shape(group + "/label");
  SERENDIP_CHECK(label_shape.size() == 1, "{}: {}/label has shape [{}], expected a list",
                 path.string(), group, fmt::join(label_shape, ", "));
  const int64_t rows = label_shape[0];
  const std::vector<int64_t> shape = file.shape(group + "/context");
  SERENDIP_CHECK(shape.size() == 2 && shape[0] == rows && shape[1] >= 1,
                 "{}: {}/context has shape [{}], expected [{}, K]", path.string(), group,
                 fmt::join(shape, ", "), rows);
  const std::vector<int64_t> other_shape = file.shape(group + other);
  SERENDIP_CHECK(other_shape.size() == 1 && other_shape[0] == rows,
                 "{}: {}{} has shape [{}], expected [{}]", path.string(), group, other,
                 fmt::join(other_shape, ", "), rows);
  return rows;
}

UserTransitions read_users(const Hdf5File& file, const fs::path& path, const std::string& group) {
  UserTransitions result;
  check_rows(file, path, group, "/user");
  result.label = file.read<int32_t>(group + "/label");
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

// Rows gathered and written by whole blocks, so that nothing of the caller's blocks shows in the
// file.
template <typename Rows, typename Value>
void append_blocks(Hdf5File& file, const std::string& group, int64_t context_size,
                   const std::function<bool(Rows&)>& next, const char* name,
                   std::vector<Value> Rows::*values) {
  file.create_growable<int32_t>(group + "/context", {context_size});
  file.create_growable<int32_t>(group + "/label");
  file.create_growable<Value>(group + name);
  Rows waiting, block;
  const auto append = [&](int64_t rows) {
    const auto move_front = [&](auto& all, const std::string& dataset, int64_t size) {
      using T = typename std::remove_reference_t<decltype(all)>::value_type;
      file.append<T>(dataset, std::span<const T>(all).first(static_cast<size_t>(size)));
      all.erase(all.begin(), all.begin() + size);
    };
    move_front(waiting.context, group + "/context", rows * context_size);
    move_front(waiting.label, group + "/label", rows);
    move_front(waiting.*values, group + name, rows);
  };
  while (next(block)) {
    waiting.context.insert(waiting.context.end(), block.context.begin(), block.context.end());
    waiting.label.insert(waiting.label.end(), block.label.begin(), block.label.end());
    (waiting.*values)
        .insert((waiting.*values).end(), (block.*values).begin(), (block.*values).end());
    while (static_cast<int64_t>(waiting.label.size()) >= kBlockRows) append(kBlockRows);
  }
  append(static_cast<int64_t>(waiting.label.size()));
}

template <typename Rows, typename Value>
std::function<bool(Rows&)> read_blocks(const fs::path& path, const std::string& group,
                                       const char* name, std::vector<Value> Rows::*values) {
  const auto file = std::make_shared<Hdf5File>(Hdf5File::open(path));
  const int64_t rows = check_rows(*file, path, group, name);
  const int64_t context_size = file->shape(group + "/context")[1];
  return [=, begin = int64_t{0}](Rows& block) mutable {
    const int64_t end = std::min(rows, begin + kBlockRows);
    block.context_size = context_size;
    block.context = file->read_rows<int32_t>(group + "/context", begin, end);
    block.label = file->read_rows<int32_t>(group + "/label", begin, end);
    block.*values = file->read_rows<Value>(group + name, begin, end);
    return end > std::exchange(begin, end);
  };
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

void save_transition_set(const TransitionSource& rows, const fs::path& path) {
  write_atomically(path, [&](const fs::path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    TransitionSet block;
    while (rows(block)) {
      fmt::memory_buffer text;
      append_lines(block, text);
      out.write(text.data(), static_cast<std::streamsize>(text.size()));
    }
    out.flush();
    SERENDIP_CHECK(out.good(), "{}: cannot write: {}", path.string(), strerror(errno));
  });
}

void save_transition_set(const TransitionSet& set, const fs::path& path) {
  fmt::memory_buffer text;
  append_lines(set, text);
  write_file(path, {text.data(), text.size()});
}

Transitions load_transitions(const fs::path& path) {
  const Hdf5File file = Hdf5File::open(path);
  Transitions result;
  TransitionSet& all = result.all;
  check_rows(file, path, "/all", "/count");
  all.label = file.read<int32_t>("/all/label");
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

void write_transitions(Hdf5File& file, int64_t context_size, const TransitionSource& all,
                       const HeldOutSource& dev, const HeldOutSource& test) {
  append_blocks(file, "/all", context_size, all, "/count", &TransitionSet::count);
  append_blocks(file, "/dev", context_size, dev, "/user", &UserTransitions::user);
  append_blocks(file, "/test", context_size, test, "/user", &UserTransitions::user);
}

TransitionSource read_transitions(const fs::path& path) {
  return read_blocks(path, "/all", "/count", &TransitionSet::count);
}

HeldOutSource read_held_out(const fs::path& path, const std::string& group) {
  return read_blocks(path, group, "/user", &UserTransitions::user);
}

}  // namespace serendip
