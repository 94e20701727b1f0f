// A thin owner of one HDF5 file: whole one- and two-dimensional datasets, strings, attributes, and
// appending or reading a range where the data are too large to hold.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace serendip {

// T is one of int32_t, int64_t, uint16_t, float, double.
class Hdf5File {
 public:
  static Hdf5File open(const std::filesystem::path& path);
  // Creates or truncates. Use write_hdf5 below for artifacts.
  static Hdf5File create(const std::filesystem::path& path);
  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File& operator=(Hdf5File&& other) noexcept;
  ~Hdf5File();
  // Flushes and closes; throws Error when the disk refuses. The destructor ignores such errors.
  void close();

  // False also for a link whose target is missing.
  bool has(const std::string& name) const;
  // Names below the group, sorted.
  std::vector<std::string> children(const std::string& group) const;
  // Dimensions of a dataset; empty for a scalar. Throws when `name` is a group.
  std::vector<int64_t> shape(const std::string& name) const;
  bool is_group(const std::string& name) const;
  // "i32", "i64", "u16", "f32", "f64" or "str".
  std::string dtype(const std::string& name) const;

  // Missing parent groups are made. `shape` must multiply to values.size().
  template <typename T>
  void write(const std::string& name, std::span<const T> values, const std::vector<int64_t>& shape);
  template <typename T>
  void write(const std::string& name, const std::vector<T>& values) {
    write<T>(name, std::span<const T>(values), {static_cast<int64_t>(values.size())});
  }
  void write_strings(const std::string& name, const std::vector<std::string>& values);
  // Makes `name` stand for the object `target` of another file, which need not exist yet. A
  // relative `file` is looked up in this file's folder.
  void link_external(const std::string& name, const std::string& file, const std::string& target);

  // Converts numeric types; throws naming file and dataset when missing.
  template <typename T>
  std::vector<T> read(const std::string& name) const;
  // Rows [begin, end) of the first dimension.
  template <typename T>
  std::vector<T> read_rows(const std::string& name, int64_t begin, int64_t end) const;
  std::vector<std::string> read_strings(const std::string& name) const;
  // Strings [begin, end) of a list of them.
  std::vector<std::string> read_string_rows(const std::string& name, int64_t begin,
                                            int64_t end) const;
  // Where the dataset's values lie in the file, for those who map it: one piece, in this machine's
  // own representation of T. Nothing where they are chunked, compressed, of another type or absent.
  template <typename T>
  std::optional<int64_t> place_in_file(const std::string& name) const;

  // An empty dataset that grows by rows; `row_shape` is what follows the first dimension.
  template <typename T>
  void create_growable(const std::string& name, const std::vector<int64_t>& row_shape = {});
  template <typename T>
  void append(const std::string& name, std::span<const T> values);

  void write_attribute(const std::string& key, const std::string& value);
  // Empty when absent.
  std::string read_attribute(const std::string& key) const;
  std::vector<std::string> attributes() const;

 private:
  Hdf5File(int64_t id, std::filesystem::path path) : id_(id), path_(std::move(path)) {}
  int64_t id_ = -1;
  std::filesystem::path path_;
};

// Writes a new HDF5 file atomically.
void write_hdf5(const std::filesystem::path& path, const std::function<void(Hdf5File&)>& fill);

}  // namespace serendip
