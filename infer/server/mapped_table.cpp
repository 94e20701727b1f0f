#include "infer/server/mapped_table.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/hdf5_file.h"
#include "infer/pair_table.h"

namespace serendip::server {
namespace fs = std::filesystem;
namespace {

template <typename T>
const std::byte* mapped(const MappedFile& file, const Hdf5File& hdf5, const char* name,
                        const std::vector<int64_t>& shape, const fs::path& path) {
  SERENDIP_CHECK(hdf5.shape(name) == shape, "{}: {}: expected [{}], got [{}]", path.string(), name,
                 fmt::join(shape, ", "), fmt::join(hdf5.shape(name), ", "));
  const std::optional<int64_t> place = hdf5.place_in_file<T>(name);
  SERENDIP_CHECK(place.has_value(),
                 "{}: {}: expected {} values in one piece, got chunks, compression or another type",
                 path.string(), name, sizeof(T) == 2 ? "u16" : "32-bit");
  const int64_t end = *place + shape[0] * shape[1] * static_cast<int64_t>(sizeof(T));
  SERENDIP_CHECK(end <= file.size(), "{}: {}: expected its end within {} bytes, got {}",
                 path.string(), name, file.size(), end);
  return file.data() + *place;
}

template <typename T>
T value_at(const std::byte* values, int64_t at) {
  T value;
  std::memcpy(&value, values + at * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

}  // namespace

MappedFile::MappedFile(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  SERENDIP_CHECK(descriptor >= 0, "{}: cannot open", path.string());
  struct stat status {};
  fstat(descriptor, &status);
  size_ = status.st_size;
  // Read ahead now: a page that a request waits for is a slow request.
  void* const address = mmap(nullptr, static_cast<size_t>(size_), PROT_READ,
                             MAP_SHARED | MAP_POPULATE, descriptor, 0);
  close(descriptor);
  SERENDIP_CHECK(address != MAP_FAILED, "{}: cannot map {} bytes", path.string(), size_);
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  munmap(const_cast<std::byte*>(data_), static_cast<size_t>(size_));  // NOLINT(*-const-cast)
}

MappedTable::MappedTable(const fs::path& path) : file_(path) {
  const Hdf5File hdf5 = Hdf5File::open(path);
  const std::vector<int64_t> shape = hdf5.shape("/label");
  SERENDIP_CHECK(shape.size() == 2 && shape[0] > 0 && shape[1] > 0,
                 "{}: /label: expected [rows, labels], got [{}]", path.string(),
                 fmt::join(shape, ", "));
  labels_ = shape[1];
  contexts_ = load_table_contexts(hdf5, path.string(), shape[0]);
  narrow_ = hdf5.dtype("/label") == "u16";
  label_ = narrow_ ? mapped<uint16_t>(file_, hdf5, "/label", shape, path)
                   : mapped<int32_t>(file_, hdf5, "/label", shape, path);
  log_prob_ = mapped<float>(file_, hdf5, "/log_prob", shape, path);
  probability_low_ = mapped<float>(file_, hdf5, "/probability_low", shape, path);
  probability_high_ = mapped<float>(file_, hdf5, "/probability_high", shape, path);
  for (const std::string& key : hdf5.attributes()) hashes_[key] = hdf5.read_attribute(key);
  for (int64_t at = 0; at < shape[0] * shape[1]; ++at)
    SERENDIP_CHECK(PairTable::kNoLabel <= label(at) && label(at) < cluster_count(),
                   "{}: /label: expected values below {}, got {}", path.string(), cluster_count(),
                   label(at));
}

int32_t MappedTable::label(int64_t at) const {
  if (!narrow_) return value_at<int32_t>(label_, at);
  const auto label = value_at<uint16_t>(label_, at);
  return label == UINT16_MAX ? PairTable::kNoLabel : label;
}

std::optional<TableEntry> MappedTable::entry(int64_t row, int64_t rank) const {
  if (rank >= labels_) return std::nullopt;
  const int64_t at = row * labels_ + rank;
  if (label(at) == PairTable::kNoLabel) return std::nullopt;
  return TableEntry{label(at), value_at<float>(log_prob_, at),
                    value_at<float>(probability_low_, at), value_at<float>(probability_high_, at)};
}

}  // namespace serendip::server
