#include "base/hdf5_file.h"

#include <hdf5.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/hdf5_handle.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

// Errors are ours to report. At the program's end the library would close once more what a full
// disk kept it from closing, and crash; Hdf5File closes all that there is.
void set_up_library() {
  static const herr_t once = H5dont_atexit();  // counts before the library's first use only
  static_cast<void>(once);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

template <typename T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::is_same_v<T, int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, uint16_t>) return H5T_NATIVE_UINT16;
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
}

Hdf5Handle string_type() {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return Hdf5Handle(type, H5Tclose);
}

Hdf5Handle create_parents() {
  const hid_t list = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(list, 1);
  return Hdf5Handle(list, H5Pclose);
}

// Without creation times: the same content is the same bytes, whose hashes decide what is redone.
Hdf5Handle dataset_layout() {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(list, false);
  return Hdf5Handle(list, H5Pclose);
}

std::vector<hsize_t> to_hsize(const std::vector<int64_t>& shape) {
  return {shape.begin(), shape.end()};
}

// {0} of a dataset without a space.
std::vector<int64_t> extents(hid_t dataset) {
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  if (H5Sget_simple_extent_type(space) == H5S_NULL) return {0};
  std::vector<hsize_t> sizes(static_cast<size_t>(H5Sget_simple_extent_ndims(space)));
  H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  return {sizes.begin(), sizes.end()};
}

int64_t product(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

Hdf5Handle open_dataset(int64_t file, const std::string& name, const fs::path& path) {
  const hid_t id = H5Dopen2(file, name.c_str(), H5P_DEFAULT);
  SERENDIP_CHECK(id >= 0, "{}: no dataset '{}'", path.string(), name);
  return Hdf5Handle(id, H5Dclose);
}

// As extents(). Throws Error where the dataset claims far more values than the file holds, as no
// compression explains: they were never written.
std::vector<int64_t> checked_extents(hid_t dataset, const std::string& name, const fs::path& path) {
  std::vector<int64_t> shape = extents(dataset);
  constexpr double kSmall = 1 << 20, kMostBytesOfOne = 2000;
  double values = 1;
  for (const int64_t size : shape) values *= static_cast<double>(size);
  if (values <= kSmall) return shape;
  const auto stored = static_cast<double>(H5Dget_storage_size(dataset));
  SERENDIP_CHECK(values <= kMostBytesOfOne * stored,
                 "{}: dataset '{}' has {:.0f} values, but the file holds {:.0f} bytes of it",
                 path.string(), name, values, stored);
  return shape;
}

// Rows [begin, end) of a dataset of that shape, in the file and as an array of their own.
struct RowSelection {
  RowSelection(hid_t dataset, const std::vector<int64_t>& shape, int64_t begin, int64_t end,
               const std::string& where)
      : file(H5Dget_space(dataset), H5Sclose), memory(select(shape, begin, end, where), H5Sclose) {}

  Hdf5Handle file, memory;

 private:
  hid_t select(const std::vector<int64_t>& shape, int64_t begin, int64_t end,
               const std::string& where) const {
    SERENDIP_CHECK(!shape.empty() && 0 <= begin && begin <= end && end <= shape[0],
                   "{}: rows [{}, {}) of {}", where, begin, end, shape.empty() ? 0 : shape[0]);
    std::vector<hsize_t> start(shape.size(), 0), count = to_hsize(shape);
    start[0] = static_cast<hsize_t>(begin);
    count[0] = static_cast<hsize_t>(end - begin);
    if (begin < end)
      H5Sselect_hyperslab(file, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
    return H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr);
  }
};

}  // namespace

Hdf5File Hdf5File::open(const fs::path& path) {
  SERENDIP_CHECK(fs::exists(path), "{}: no such file", path.string());
  set_up_library();
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  SERENDIP_CHECK(id >= 0, "{}: not an HDF5 file, or truncated ({} bytes)", path.string(),
                 fs::file_size(path));
  return {id, path};
}

Hdf5File Hdf5File::create(const fs::path& path) {
  set_up_library();
  const hid_t id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  SERENDIP_CHECK(id >= 0, "{}: cannot create", path.string());
  return {id, path};
}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : id_(std::exchange(other.id_, -1)), path_(std::move(other.path_)) {}

Hdf5File& Hdf5File::operator=(Hdf5File&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(path_, other.path_);
  return *this;
}

Hdf5File::~Hdf5File() {
  if (id_ >= 0) H5Fclose(id_);
}

void Hdf5File::close() {
  if (id_ < 0) return;
  const bool flushed = H5Fflush(id_, H5F_SCOPE_GLOBAL) >= 0;
  const bool closed = H5Fclose(std::exchange(id_, -1)) >= 0;
  SERENDIP_CHECK(flushed && closed, "{}: cannot write: is the disk full?", path_.string());
}

bool Hdf5File::has(const std::string& name) const {
  for (size_t slash = name.find('/', 1); slash != std::string::npos;
       slash = name.find('/', slash + 1))
    if (H5Lexists(id_, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
  return H5Lexists(id_, name.c_str(), H5P_DEFAULT) > 0 &&
         H5Oexists_by_name(id_, name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> Hdf5File::children(const std::string& group) const {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  H5Literate_by_name(id_, group.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names,
                     H5P_DEFAULT);
  return names;
}

bool Hdf5File::is_group(const std::string& name) const {
  const Hdf5Handle object(H5Oopen(id_, name.c_str(), H5P_DEFAULT), H5Oclose);
  return object.valid() && H5Iget_type(object) == H5I_GROUP;
}

std::vector<int64_t> Hdf5File::shape(const std::string& name) const {
  return checked_extents(open_dataset(id_, name, path_), name, path_);
}

std::string Hdf5File::dtype(const std::string& name) const {
  const Hdf5Handle dataset = open_dataset(id_, name, path_);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  if (H5Tget_class(type) == H5T_STRING) return "str";
  const size_t bits = 8 * H5Tget_size(type);
  if (H5Tget_class(type) == H5T_FLOAT) return fmt::format("f{}", bits);
  return fmt::format("{}{}", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "i", bits);
}

template <typename T>
void Hdf5File::write(const std::string& name, std::span<const T> values,
                     const std::vector<int64_t>& shape) {
  SERENDIP_CHECK(product(shape) == static_cast<int64_t>(values.size()),
                 "{}: dataset '{}': shape holds {} values, got {}", path_.string(), name,
                 product(shape), values.size());
  const std::vector<hsize_t> sizes = to_hsize(shape);
  const Hdf5Handle space(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr),
                         H5Sclose);
  const Hdf5Handle parents = create_parents();
  const Hdf5Handle layout = dataset_layout();
  const Hdf5Handle dataset(
      H5Dcreate2(id_, name.c_str(), native_type<T>(), space, parents, layout, H5P_DEFAULT),
      H5Dclose);
  SERENDIP_CHECK(dataset.valid(), "{}: cannot create dataset '{}'", path_.string(), name);
  if (values.empty()) return;
  SERENDIP_CHECK(
      H5Dwrite(dataset, native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0,
      "{}: cannot write dataset '{}'", path_.string(), name);
}

void Hdf5File::write_strings(const std::string& name, const std::vector<std::string>& values) {
  const hsize_t size = values.size();
  const Hdf5Handle space(H5Screate_simple(1, &size, nullptr), H5Sclose);
  const Hdf5Handle type = string_type();
  const Hdf5Handle parents = create_parents();
  const Hdf5Handle layout = dataset_layout();
  const Hdf5Handle dataset(H5Dcreate2(id_, name.c_str(), type, space, parents, layout, H5P_DEFAULT),
                           H5Dclose);
  SERENDIP_CHECK(dataset.valid(), "{}: cannot create dataset '{}'", path_.string(), name);
  if (values.empty()) return;
  std::vector<const char*> pointers;
  for (const std::string& value : values) pointers.push_back(value.c_str());
  SERENDIP_CHECK(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) >= 0,
                 "{}: cannot write dataset '{}'", path_.string(), name);
}

void Hdf5File::link_external(const std::string& name, const std::string& file,
                             const std::string& target) {
  const Hdf5Handle parents = create_parents();
  SERENDIP_CHECK(H5Lcreate_external(file.c_str(), target.c_str(), id_, name.c_str(), parents,
                                    H5P_DEFAULT) >= 0,
                 "{}: cannot link '{}' to {}:{}", path_.string(), name, file, target);
}

template <typename T>
std::vector<T> Hdf5File::read(const std::string& name) const {
  const Hdf5Handle dataset = open_dataset(id_, name, path_);
  std::vector<T> values(static_cast<size_t>(product(checked_extents(dataset, name, path_))));
  if (values.empty()) return values;
  SERENDIP_CHECK(
      H5Dread(dataset, native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0,
      "{}: cannot read dataset '{}' as numbers", path_.string(), name);
  return values;
}

template <typename T>
std::vector<T> Hdf5File::read_rows(const std::string& name, int64_t begin, int64_t end) const {
  const Hdf5Handle dataset = open_dataset(id_, name, path_);
  std::vector<int64_t> sizes = extents(dataset);
  const RowSelection rows(dataset, sizes, begin, end,
                          fmt::format("{}: dataset '{}'", path_.string(), name));
  sizes[0] = end - begin;
  std::vector<T> values(static_cast<size_t>(product(sizes)));
  if (values.empty()) return values;
  SERENDIP_CHECK(
      H5Dread(dataset, native_type<T>(), rows.memory, rows.file, H5P_DEFAULT, values.data()) >= 0,
      "{}: cannot read dataset '{}'", path_.string(), name);
  return values;
}

std::vector<std::string> Hdf5File::read_strings(const std::string& name) const {
  return read_string_rows(name, 0, product(shape(name)));
}

std::vector<std::string> Hdf5File::read_string_rows(const std::string& name, int64_t begin,
                                                    int64_t end) const {
  const Hdf5Handle dataset = open_dataset(id_, name, path_);
  const Hdf5Handle stored(H5Dget_type(dataset), H5Tclose);
  SERENDIP_CHECK(H5Tis_variable_str(stored) > 0,
                 "{}: dataset '{}': expected variable-length strings", path_.string(), name);
  const RowSelection rows(dataset, extents(dataset), begin, end,
                          fmt::format("{}: dataset '{}'", path_.string(), name));
  const Hdf5Handle type = string_type();
  std::vector<char*> pointers(static_cast<size_t>(end - begin), nullptr);
  std::vector<std::string> values;
  if (pointers.empty()) return values;
  SERENDIP_CHECK(H5Dread(dataset, type, rows.memory, rows.file, H5P_DEFAULT, pointers.data()) >= 0,
                 "{}: cannot read dataset '{}' as strings", path_.string(), name);
  for (const char* pointer : pointers) values.emplace_back(pointer ? pointer : "");
  H5Dvlen_reclaim(type, rows.memory, H5P_DEFAULT, pointers.data());
  return values;
}

template <typename T>
std::optional<int64_t> Hdf5File::place_in_file(const std::string& name) const {
  const Hdf5Handle dataset = open_dataset(id_, name, path_);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  const haddr_t place = H5Dget_offset(dataset);
  if (place == HADDR_UNDEF || H5Tequal(type, native_type<T>()) <= 0) return std::nullopt;
  return static_cast<int64_t>(place);
}

template <typename T>
void Hdf5File::create_growable(const std::string& name, const std::vector<int64_t>& row_shape) {
  constexpr int64_t kChunkValues = 1 << 16;
  std::vector<hsize_t> sizes = to_hsize(row_shape), limits = sizes, chunk = sizes;
  sizes.insert(sizes.begin(), 0);
  limits.insert(limits.begin(), H5S_UNLIMITED);
  const int64_t rows =
      std::max<int64_t>(1, kChunkValues / std::max<int64_t>(1, product(row_shape)));
  chunk.insert(chunk.begin(), static_cast<hsize_t>(rows));
  const Hdf5Handle space(
      H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), limits.data()), H5Sclose);
  const Hdf5Handle layout = dataset_layout();
  H5Pset_chunk(layout, static_cast<int>(chunk.size()), chunk.data());
  const Hdf5Handle parents = create_parents();
  const Hdf5Handle dataset(
      H5Dcreate2(id_, name.c_str(), native_type<T>(), space, parents, layout, H5P_DEFAULT),
      H5Dclose);
  SERENDIP_CHECK(dataset.valid(), "{}: cannot create dataset '{}'", path_.string(), name);
}

template <typename T>
void Hdf5File::append(const std::string& name, std::span<const T> values) {
  if (values.empty()) return;
  const Hdf5Handle dataset = open_dataset(id_, name, path_);
  std::vector<int64_t> sizes = extents(dataset);
  const int64_t old_rows = sizes[0];
  sizes[0] = 1;
  const int64_t row = product(sizes);
  const auto rows = static_cast<int64_t>(values.size()) / row;
  SERENDIP_CHECK(rows * row == static_cast<int64_t>(values.size()),
                 "{}: dataset '{}': {} values are no whole rows of {}", path_.string(), name,
                 values.size(), row);
  std::vector<hsize_t> extent = to_hsize(sizes), start(sizes.size(), 0), count = extent;
  extent[0] = static_cast<hsize_t>(old_rows + rows);
  start[0] = static_cast<hsize_t>(old_rows);
  count[0] = static_cast<hsize_t>(rows);
  H5Dset_extent(dataset, extent.data());
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  const Hdf5Handle memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                          H5Sclose);
  SERENDIP_CHECK(
      H5Dwrite(dataset, native_type<T>(), memory, space, H5P_DEFAULT, values.data()) >= 0,
      "{}: cannot append to dataset '{}'", path_.string(), name);
}

void Hdf5File::write_attribute(const std::string& key, const std::string& value) {
  const Hdf5Handle type = string_type();
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Handle attribute(H5Acreate2(id_, key.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                             H5Aclose);
  const char* pointer = value.c_str();
  SERENDIP_CHECK(attribute.valid() && H5Awrite(attribute, type, &pointer) >= 0,
                 "{}: cannot write attribute '{}'", path_.string(), key);
}

std::string Hdf5File::read_attribute(const std::string& key) const {
  if (H5Aexists(id_, key.c_str()) <= 0) return {};
  const Hdf5Handle attribute(H5Aopen(id_, key.c_str(), H5P_DEFAULT), H5Aclose);
  const Hdf5Handle type = string_type();
  char* pointer = nullptr;
  SERENDIP_CHECK(H5Aread(attribute, type, &pointer) >= 0 && pointer != nullptr,
                 "{}: cannot read attribute '{}'", path_.string(), key);
  std::string value = pointer;
  H5free_memory(pointer);
  return value;
}

std::vector<std::string> Hdf5File::attributes() const {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  H5Aiterate2(id_, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names);
  return names;
}

void write_hdf5(const fs::path& path, const std::function<void(Hdf5File&)>& fill) {
  write_atomically(path, [&](const fs::path& temporary) {
    Hdf5File file = Hdf5File::create(temporary);
    fill(file);
    file.close();
  });
}

#define SERENDIP_HDF5_TYPE(T)                                                                  \
  template void Hdf5File::write<T>(const std::string&, std::span<const T>,                     \
                                   const std::vector<int64_t>&);                               \
  template std::vector<T> Hdf5File::read<T>(const std::string&) const;                         \
  template std::vector<T> Hdf5File::read_rows<T>(const std::string&, int64_t, int64_t) const;  \
  template std::optional<int64_t> Hdf5File::place_in_file<T>(const std::string&) const;        \
  template void Hdf5File::create_growable<T>(const std::string&, const std::vector<int64_t>&); \
  template void Hdf5File::append<T>(const std::string&, std::span<const T>);
SERENDIP_HDF5_TYPE(int32_t)
SERENDIP_HDF5_TYPE(int64_t)
SERENDIP_HDF5_TYPE(uint16_t)
SERENDIP_HDF5_TYPE(float)
SERENDIP_HDF5_TYPE(double)
#undef SERENDIP_HDF5_TYPE

}  // namespace serendip
