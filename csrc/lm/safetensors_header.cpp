#include "lm/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.h"
#include "lm/json_file.h"

namespace serendip {
namespace {

using nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kLargestHeader = 100'000'000;  // the format's own limit

int64_t element_bytes(const std::string& dtype, const std::string& where) {
  static const std::map<std::string, int64_t> sizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
      {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
      {"I32", 4},  {"F32", 4}, {"U64", 8}, {"I64", 8},     {"F64", 8}};
  const auto found = sizes.find(dtype);
  SERENDIP_CHECK(found != sizes.end(), "{}: unknown dtype '{}'", where, dtype);
  return found->second;
}

// Bytes that dtype and shape make; throws when they overflow.
int64_t tensor_bytes(const SafetensorsEntry& entry, const std::string& where) {
  int64_t bytes = element_bytes(entry.dtype, where);
  for (const int64_t size : entry.shape) {
    SERENDIP_CHECK(size >= 0 && !__builtin_mul_overflow(bytes, size, &bytes),
                   "{}: shape [{}] of {} is impossible", where, fmt::join(entry.shape, ", "),
                   entry.dtype);
  }
  return bytes;
}

// nlohmann's parser keeps the last of several equal keys; here they are an error, and so is nesting
// deeper than the format has.
json parse_strictly(std::string_view text, const std::string& where) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, json::parse_event_t event, json& value) {
    SERENDIP_CHECK(depth <= 3, "{}: header is nested deeper than the format allows", where);
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key) {
      const auto name = value.get<std::string>();
      SERENDIP_CHECK(keys.back().insert(name).second, "{}: '{}' occurs twice in the header", where,
                     name);
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception& error) {
    fail("{}: header is not JSON: {}", where, error.what());
  }
}

std::vector<int64_t> read_sizes(const json& tensor, const char* key, const std::string& where) {
  const json list = tensor.value(key, json());
  SERENDIP_CHECK(list.is_array(), "{}: '{}': expected a list, got {}", where, key, list.dump());
  std::vector<int64_t> sizes;
  for (const json& size : list) {
    SERENDIP_CHECK(size.is_number_unsigned() && size.get<uint64_t>() <= INT64_MAX,
                   "{}: '{}': expected integers of at least 0, got {}", where, key, list.dump());
    sizes.push_back(size.get<int64_t>());
  }
  return sizes;
}

struct Range {
  int64_t begin, end;
  std::string name;
};

SafetensorsEntry read_entry(const json& tensor, const std::string& where, Range& range) {
  SERENDIP_CHECK(tensor.is_object() && tensor.size() == 3,
                 "{}: expected an object of dtype, shape and data_offsets", where);
  SafetensorsEntry entry;
  const json dtype = tensor.value("dtype", json());
  SERENDIP_CHECK(dtype.is_string(), "{}: 'dtype': expected a string, got {}", where, dtype.dump());
  entry.dtype = dtype.get<std::string>();
  entry.shape = read_sizes(tensor, "shape", where);
  entry.bytes = tensor_bytes(entry, where);
  const std::vector<int64_t> offsets = read_sizes(tensor, "data_offsets", where);
  SERENDIP_CHECK(offsets.size() == 2, "{}: 'data_offsets': expected 2 offsets, got {}", where,
                 offsets.size());
  range.begin = offsets[0];
  range.end = offsets[1];
  SERENDIP_CHECK(range.begin <= range.end && range.end - range.begin == entry.bytes,
                 "{}: {} of shape [{}] takes {} bytes, data_offsets are [{}, {}]", where,
                 entry.dtype, fmt::join(entry.shape, ", "), entry.bytes, range.begin, range.end);
  return entry;
}

// The ranges must follow one another from 0; returns the end of the last.
int64_t check_contiguous(std::vector<Range> ranges, const std::string& where) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  int64_t end = 0;
  for (const Range& range : ranges) {
    SERENDIP_CHECK(range.begin == end, "{}: tensor '{}' begins at byte {}, {} the one before it",
                   where, range.name, range.begin,
                   range.begin < end ? "overlapping" : "leaving a hole behind");
    end = range.end;
  }
  return end;
}

void check_file_size(size_t actual, uint64_t expected, const std::string& where) {
  SERENDIP_CHECK(actual >= expected, "{}: truncated: expected {} bytes, got {}", where, expected,
                 actual);
}

}  // namespace

void parse_safetensors_header(std::span<const uint8_t> file, const std::string& where,
                              std::map<std::string, SafetensorsEntry>& entries,
                              std::map<std::string, std::string>& metadata) {
  check_file_size(file.size(), kLengthBytes, where);
  uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  SERENDIP_CHECK(length <= kLargestHeader,
                 "{}: not a safetensors file: header of {} bytes, at most {} are allowed", where,
                 length, kLargestHeader);
  check_file_size(file.size(), kLengthBytes + length, where);
  const uint8_t* const data = file.data() + kLengthBytes + length;
  const json header = parse_strictly(
      {reinterpret_cast<const char*>(file.data()) + kLengthBytes, static_cast<size_t>(length)},
      where);
  SERENDIP_CHECK(header.is_object(), "{}: header: expected a JSON object, got {}", where,
                 header.type_name());
  std::vector<Range> ranges;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      SERENDIP_CHECK(value.is_object(), "{}: '__metadata__': expected an object", where);
      for (const auto& [key, text] : value.items()) {
        SERENDIP_CHECK(text.is_string(), "{}: '__metadata__.{}': expected a string, got {}", where,
                       key, text.dump());
        metadata[key] = text.get<std::string>();
      }
      continue;
    }
    Range range{0, 0, name};
    entries[name] = read_entry(value, fmt::format("{}: tensor '{}'", where, name), range);
    ranges.push_back(range);
  }
  const auto data_bytes = static_cast<uint64_t>(check_contiguous(ranges, where));
  const uint64_t expected = kLengthBytes + length + data_bytes;
  check_file_size(file.size(), expected, where);
  SERENDIP_CHECK(file.size() == expected,
                 "{}: {} bytes behind the last tensor: expected {}, got {}", where,
                 file.size() - expected, expected, file.size());
  for (const Range& range : ranges) entries[range.name].data = data + range.begin;
}

std::string make_safetensors_header(
    const std::vector<std::pair<std::string, SafetensorsEntry>>& tensors,
    const std::map<std::string, std::string>& metadata, const std::string& where) {
  nlohmann::ordered_json header;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  int64_t begin = 0;
  std::set<std::string> names = {"__metadata__"};
  for (const auto& [name, tensor] : tensors) {
    const std::string tensor_where = fmt::format("{}: tensor '{}'", where, name);
    SERENDIP_CHECK(names.insert(name).second, "{}: the name is taken", tensor_where);
    const int64_t expected = tensor_bytes(tensor, tensor_where);
    SERENDIP_CHECK(tensor.bytes == expected, "{}: {} of shape [{}] takes {} bytes, got {}",
                   tensor_where, tensor.dtype, fmt::join(tensor.shape, ", "), expected,
                   tensor.bytes);
    header[name] = {{"dtype", tensor.dtype},
                    {"shape", tensor.shape},
                    {"data_offsets", {begin, begin + tensor.bytes}}};
    begin += tensor.bytes;
  }
  std::string text = tensors.empty() && metadata.empty() ? "{}" : header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  std::string result(kLengthBytes, '\0');
  std::memcpy(result.data(), &length, kLengthBytes);
  return result + text;
}

std::set<std::string> shard_names(const std::filesystem::path& index) {
  const json content = read_json_object(index);
  const json map = content.value("weight_map", json());
  SERENDIP_CHECK(map.is_object() && !map.empty(),
                 "{}: 'weight_map': expected an object of tensor and file names", index.string());
  std::set<std::string> names;
  for (const auto& [tensor, file] : map.items()) {
    SERENDIP_CHECK(file.is_string(), "{}: '{}': expected a file name, got {}", index.string(),
                   tensor, file.dump());
    const auto name = file.get<std::string>();
    SERENDIP_CHECK(!name.empty() && std::filesystem::path(name).filename() == name,
                   "{}: '{}': expected a file beside the index, got '{}'", index.string(), tensor,
                   name);
    names.insert(name);
  }
  return names;
}

}  // namespace serendip
