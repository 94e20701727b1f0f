#include "infer/band_store.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

// A record: the band's number (4 bytes), four arrays of `values` 4-byte numbers, and the hash of
// all that (8 bytes).
size_t record_bytes(size_t values) { return 4 + 16 * values + 8; }

template <typename T>
void put(std::string& bytes, const std::vector<T>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <typename T>
const char* take(const char* bytes, size_t count, std::vector<T>& values) {
  values.resize(count);
  std::memcpy(values.data(), bytes, count * sizeof(T));
  return bytes + count * sizeof(T);
}

}  // namespace

BandStore::BandStore(fs::path folder, const std::string& key, int64_t values_per_band, int64_t rank)
    : folder_(std::move(folder)),
      path_(folder_ / fmt::format("rank_{}.records", rank)),
      key_(key + "\n"),
      values_(static_cast<size_t>(values_per_band)) {
  fs::create_directories(folder_);
  const std::string bytes = fs::exists(path_) ? read_file(path_) : "";
  if (bytes.starts_with(key_)) {
    const size_t torn = (bytes.size() - key_.size()) % record_bytes(values_);
    if (torn > 0) fs::resize_file(path_, bytes.size() - torn);
  } else {
    if (!bytes.empty())
      spdlog::warn("{}: made with another model or other settings, begun anew", path_.string());
    write_file(path_, key_);
  }
  refresh();
}

void BandStore::refresh() {
  for_each_record([&](int32_t number, const char*) { done_.insert(number); });
}

void BandStore::for_each_record(
    const std::function<void(int32_t number, const char* values)>& visit) const {
  const size_t size = record_bytes(values_);
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().extension() != ".records") continue;
    const std::string bytes = read_file(entry.path());
    if (!bytes.starts_with(key_)) continue;
    for (size_t at = key_.size(); at + size <= bytes.size(); at += size) {
      const std::string_view record(bytes.data() + at, size - 8);
      uint64_t hash = 0;
      std::memcpy(&hash, bytes.data() + at + size - 8, 8);
      if (hash64(record) != hash) continue;
      int32_t number = 0;
      std::memcpy(&number, record.data(), 4);
      visit(number, record.data() + 4);
    }
  }
}

std::map<int32_t, Band> BandStore::read() const {
  std::map<int32_t, Band> bands;
  for_each_record([&](int32_t number, const char* next) {
    Band& band = bands[number];
    next = take(next, values_, band.label);
    next = take(next, values_, band.log_prob);
    next = take(next, values_, band.probability_low);
    take(next, values_, band.probability_high);
  });
  return bands;
}

void BandStore::append(int32_t number, const Band& band) {
  std::string record(reinterpret_cast<const char*>(&number), 4);
  put(record, band.label);
  put(record, band.log_prob);
  put(record, band.probability_low);
  put(record, band.probability_high);
  const uint64_t hash = hash64(record);
  record.append(reinterpret_cast<const char*>(&hash), 8);
  SERENDIP_CHECK(record.size() == record_bytes(values_), "band {}: expected {} bytes, got {}",
                 number, record_bytes(values_), record.size());
  const uintmax_t before = fs::file_size(path_);
  std::ofstream out(path_, std::ios::binary | std::ios::app);
  out.write(record.data(), static_cast<std::streamsize>(record.size()));
  out.close();
  if (!out) {
    const std::string reason = strerror(errno);
    fs::resize_file(path_, before);  // later records stay aligned
    fail("{}: cannot append {} bytes: {}", path_.string(), record.size(), reason);
  }
  done_.insert(number);
}

}  // namespace serendip
