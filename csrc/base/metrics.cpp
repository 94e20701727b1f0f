#include "base/metrics.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/check.h"
#include "base/file.h"

namespace serendip {
namespace {

// CRC-32C, bit by bit over a table; TensorBoard's record format masks it
// (tensorflow/core/lib/hash/crc32c.h).
uint32_t masked_crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> values{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t x = i;
      for (int bit = 0; bit < 8; ++bit) x = (x >> 1) ^ (x & 1 ? 0x82f63b78u : 0);
      values[i] = x;
    }
    return values;
  }();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = table[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ (crc >> 8);
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

template <typename T>
void append_raw(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// Protocol-buffer fields of tensorflow.Event and tensorflow.Summary.
void append_bytes_field(std::string& out, int field, std::string_view bytes) {
  append_varint(out, static_cast<uint64_t>(field) << 3 | 2);
  append_varint(out, bytes.size());
  out += bytes;
}

std::string scalar_summary(const std::string& tag, double value) {
  std::string entry;
  append_bytes_field(entry, 1, tag);
  append_varint(entry, 2 << 3 | 5);
  append_raw(entry, static_cast<float>(value));
  std::string summary;
  append_bytes_field(summary, 1, entry);
  return summary;
}

std::string record(const std::string& payload) {
  std::string length, out;
  append_raw(length, static_cast<uint64_t>(payload.size()));
  out = length;
  append_raw(out, masked_crc32c(length));
  out += payload;
  append_raw(out, masked_crc32c(payload));
  return out;
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void append_to(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::app);
  out << bytes;
  out.flush();
  SERENDIP_CHECK(out.good(), "{}: cannot append {} bytes", path.string(), bytes.size());
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& folder, int64_t last_step) {
  std::filesystem::create_directories(folder);
  jsonl_ = folder / "metrics.jsonl";
  events_ = folder / fmt::format("events.out.tfevents.{:.0f}.{}", wall_time(), getpid());
  if (!std::filesystem::exists(jsonl_)) return;
  drop_lines_after(last_step);
  std::string started;  // SessionLog.START: what is there from this step on is forgotten
  append_varint(started, 1 << 3);
  append_varint(started, 1);
  write_event(last_step + 1, 7, started);
}

// A line that a kill has torn is dropped, too.
void MetricsLog::drop_lines_after(int64_t last_step) const {
  std::string kept;
  std::istringstream lines(read_file(jsonl_));
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (entry.is_object() && entry.value("step", int64_t{0}) <= last_step) kept += line + "\n";
  }
  write_file(jsonl_, kept);
}

void MetricsLog::write(const std::string& stage, int64_t step, const nlohmann::json& values) {
  nlohmann::ordered_json line = {{"stage", stage}, {"step", step}};
  std::string summary;
  for (const auto& [key, value] : values.items()) {
    line[key] = value;
    if (value.is_number()) summary += scalar_summary(stage + "/" + key, value.get<double>());
  }
  append_to(jsonl_, line.dump() + "\n");
  if (!summary.empty()) write_event(step, 5, summary);
}

void MetricsLog::write_event(int64_t step, int field, const std::string& content) const {
  const auto event = [](int64_t event_step, int event_field, const std::string& bytes) {
    std::string out;
    append_varint(out, 1 << 3 | 1);
    append_raw(out, wall_time());
    append_varint(out, 2 << 3);
    append_varint(out, static_cast<uint64_t>(event_step));
    append_bytes_field(out, event_field, bytes);
    return record(out);
  };
  if (!std::filesystem::exists(events_)) append_to(events_, event(0, 3, "brain.Event:2"));
  append_to(events_, event(step, field, content));
}

}  // namespace serendip
