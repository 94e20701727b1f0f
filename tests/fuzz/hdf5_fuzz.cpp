// Well-formed HDF5 files that are not what their readers expect: datasets missing, of another type,
// rank or length, linked elsewhere or nowhere, with other values. (Bytes turned over are the
// library's to see, and 1.10 crashes on some; stages compare hashes before they open a file.)
#include <fuzzer/FuzzedDataProvider.h>
#include <hdf5.h>

#include <algorithm>
#include <limits>

#include "base/hdf5_file.h"
#include "base/hdf5_handle.h"
#include "clusters/previous_tree.h"
#include "data/dataset.h"
#include "data/user_events.h"
#include "data/vectors.h"
#include "tests/fuzz/fuzz_folder.h"
#include "transitions/transitions.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;
using Sizes = std::vector<hsize_t>;

// A dataset as its reader wants it; texts where there are some, else numbers.
struct Field {
  std::string name;
  hid_t type;
  Sizes shape;
  std::vector<double> numbers;
  std::vector<std::string> texts = {};
};

Field texts(const std::string& name, std::vector<std::string> values) {
  return {name, H5T_C_S1, {values.size()}, {}, std::move(values)};
}

Field numbers(const std::string& name, hid_t type, std::vector<double> values, Sizes shape = {}) {
  if (shape.empty()) shape = {values.size()};
  return {name, type, std::move(shape), std::move(values)};
}

std::vector<Field> dataset_fields() {
  return {texts("/items/id", {"a", "b", "c"}),
          texts("/items/title", {"A", "B", "C"}),
          texts("/items/text", {"", "x", "y z"}),
          numbers("/items/embedding", H5T_NATIVE_FLOAT, {1, 0, 0, 1, 1, 1}, {3, 2}),
          texts("/users/id", {"u", "v"}),
          numbers("/users/offsets", H5T_NATIVE_INT64, {0, 3, 4}),
          numbers("/events/item", H5T_NATIVE_INT32, {0, 1, 2, 1}),
          numbers("/events/time", H5T_NATIVE_INT64, {1, 2, 2, 7}),
          numbers("/events/reward", H5T_NATIVE_FLOAT, {1, 1, 0, 5})};
}

std::vector<Field> tree_fields() {
  std::vector<Field> fields = {numbers("/item_traffic", H5T_NATIVE_DOUBLE, {1, 2, 0})};
  for (int level = 1; level <= kTreeLevels; ++level) {
    const std::string group = "/level_" + std::to_string(level);
    const bool top = level == 1;
    fields.push_back(numbers(group + "/assignment", H5T_NATIVE_INT32,
                             top ? std::vector<double>{0, 0, 0} : std::vector<double>{0, 1, 1}));
    fields.push_back(numbers(group + "/parent", H5T_NATIVE_INT32,
                             top          ? std::vector<double>{-1}
                             : level == 2 ? std::vector<double>{0, 0}
                                          : std::vector<double>{0, 1}));
    fields.push_back(numbers(group + "/traffic", H5T_NATIVE_DOUBLE,
                             top ? std::vector<double>{3} : std::vector<double>{1, 2}));
    fields.push_back(texts(group + "/description", top ? std::vector<std::string>{"all"}
                                                       : std::vector<std::string>{"one", "two"}));
  }
  return fields;
}

std::vector<Field> transition_fields() {
  std::vector<Field> fields;
  for (const std::string group : {"/all", "/dev", "/test"}) {
    fields.push_back(numbers(group + "/context", H5T_NATIVE_INT32, {0, 1, 1, 2}, {2, 2}));
    fields.push_back(numbers(group + "/label", H5T_NATIVE_INT32, {2, 0}));
    fields.push_back(group == "/all" ? numbers(group + "/count", H5T_NATIVE_INT64, {3, 1})
                                     : numbers(group + "/user", H5T_NATIVE_INT32, {0, 1}));
  }
  return fields;
}

class HostileFile {
 public:
  HostileFile(const fs::path& path, FuzzedDataProvider& input)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose),
        parents_(H5Pcreate(H5P_LINK_CREATE), H5Pclose),
        input_(input) {
    H5Pset_create_intermediate_group(parents_, 1);
  }

  void add(Field field) {
    const char* name = field.name.c_str();
    switch (input_.ConsumeIntegralInRange(0, 15)) {
      case 1:
        return;  // missing
      case 2:
        return close(H5Gcreate2(file_, name, parents_, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      case 3:  // to nowhere or to itself
        H5Lcreate_soft(input_.ConsumeBool() ? "/absent" : name, file_, name, parents_, H5P_DEFAULT);
        return;
      case 4:
        H5Lcreate_external(input_.ConsumeBool() ? "absent.h5" : "file.h5", name, file_, name,
                           parents_, H5P_DEFAULT);
        return;
      case 5: {
        const hid_t types[] = {H5T_NATIVE_INT8,   H5T_NATIVE_UINT64,  H5T_STD_I32BE,
                               H5T_NATIVE_DOUBLE, H5T_NATIVE_LDOUBLE, H5T_NATIVE_B16,
                               H5T_C_S1};
        field.type = input_.PickValueInArray(types);
        break;
      }
      case 6:  // other rank: a scalar, or more dimensions
        if (input_.ConsumeBool())
          field.shape.clear();
        else
          field.shape.insert(field.shape.begin() + input_.ConsumeIntegralInRange<long>(
                                                       0, static_cast<long>(field.shape.size())),
                             input_.ConsumeIntegralInRange<hsize_t>(0, 3));
        break;
      case 7:
        if (!field.shape.empty()) field.shape[0] = input_.ConsumeIntegralInRange<hsize_t>(0, 6);
        break;
      case 8:
        return claim(field);
      case 9:
        return close(
            H5Dcreate2(file_, name, number_type(field), Hdf5Handle(H5Screate(H5S_NULL), H5Sclose),
                       parents_, H5P_DEFAULT, H5P_DEFAULT),
            H5Dclose);
      case 10:
        change_values(field);
        break;
      default:
        break;
    }
    write(field);
  }

 private:
  static void close(hid_t id, herr_t (*close)(hid_t)) {
    if (id >= 0) close(id);
  }
  static hid_t number_type(const Field& field) {
    return field.type == H5T_C_S1 ? H5T_NATIVE_INT32 : field.type;
  }

  void change_values(Field& field) {
    for (double& value : field.numbers) {
      if (input_.ConsumeBool()) continue;
      const double odd[] = {-1,
                            3,
                            1e30,
                            -1e30,
                            std::numeric_limits<double>::quiet_NaN(),
                            std::numeric_limits<double>::infinity()};
      value = input_.ConsumeBool() ? input_.PickValueInArray(odd)
                                   : input_.ConsumeIntegralInRange(-5, 5);
    }
    for (std::string& text : field.texts)
      if (input_.ConsumeBool()) text = input_.ConsumeRandomLengthString(9);
  }

  // Many rows that were never written.
  void claim(const Field& field) {
    Sizes shape = field.shape.empty() ? Sizes{1} : field.shape, chunk(shape.size(), 1);
    shape[0] = hsize_t{1} << input_.ConsumeIntegralInRange(3, 62);
    const Hdf5Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                           H5Sclose);
    const Hdf5Handle layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_chunk(layout, static_cast<int>(chunk.size()), chunk.data());
    const Hdf5Handle type(H5Tcopy(field.type), H5Tclose);
    if (field.type == H5T_C_S1) H5Tset_size(type, H5T_VARIABLE);
    close(H5Dcreate2(file_, field.name.c_str(), type, space, parents_, layout, H5P_DEFAULT),
          H5Dclose);
  }

  void write(const Field& field) {
    const Hdf5Handle space(
        field.shape.empty()
            ? H5Screate(H5S_SCALAR)
            : H5Screate_simple(static_cast<int>(field.shape.size()), field.shape.data(), nullptr),
        H5Sclose);
    size_t size = 1;
    for (const hsize_t extent : field.shape) size *= extent;
    const Hdf5Handle type(H5Tcopy(field.type), H5Tclose);
    const bool fixed = field.type == H5T_C_S1 && field.texts.empty();
    if (field.type == H5T_C_S1) H5Tset_size(type, fixed ? 4 : H5T_VARIABLE);
    const Hdf5Handle set(
        H5Dcreate2(file_, field.name.c_str(), type, space, parents_, H5P_DEFAULT, H5P_DEFAULT),
        H5Dclose);
    if (set < 0 || size == 0) return;
    if (field.type == H5T_C_S1 && !fixed) {
      std::vector<const char*> pointers(size, nullptr);
      for (size_t i = 0; i < std::min(size, field.texts.size()); ++i)
        pointers[i] = field.texts[i].c_str();
      H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data());
    } else if (!fixed) {
      std::vector<double> values = field.numbers;
      values.resize(size, 0);
      H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    }
  }

  Hdf5Handle file_, parents_;
  FuzzedDataProvider& input_;
};

void want(bool holds) {
  if (!holds) __builtin_trap();
}

// What is passed on as good is.

void read_dataset(const fs::path& path) {
  const Dataset data = load_dataset(path);
  const auto items = static_cast<size_t>(data.item_count());
  want(data.item_title.size() == items && data.item_text.size() == items);
  want(data.embedding.size() ==
       (data.embedding.empty() ? 0 : items * static_cast<size_t>(data.embedding_dim)));
  want(data.user_offset.size() == data.user_id.size() + 1 &&
       data.user_offset.back() == data.event_count());
  for (const int32_t item : data.event_item) want(item >= 0 && item < data.item_count());
}

void read_users(const fs::path& path) {
  UserEventReader reader(path);
  int64_t users = 0;
  for (UserEvents events; reader.next(events); users += events.user_count()) {
    want(events.offset.size() == events.user_id.size() + 1);
    want(events.offset.back() == static_cast<int64_t>(events.item.size()));
    want(events.reward.size() == events.item.size());
  }
  want(users == reader.user_count());
}

void read_tree(const fs::path& path) {
  const ClusterTree tree = load_tree(path);
  for (int number = 1; number <= kTreeLevels; ++number) {
    const TreeLevel& level = tree.level(number);
    want(level.assignment.size() == tree.item_traffic.size());
    want(level.description.size() == level.parent.size() &&
         level.traffic.size() == level.parent.size());
    for (const int32_t cluster : level.assignment)
      want(cluster >= 0 && cluster < level.cluster_count());
  }
}

template <typename Rows>
void want_rows(const Rows& rows, size_t last) {
  want(rows.context_size >= 1 && last == rows.label.size() &&
       rows.context.size() == rows.label.size() * static_cast<size_t>(rows.context_size));
}

void read_rows(const fs::path& path) {
  const TransitionSource all = read_transitions(path);
  for (TransitionSet block; all(block);) want_rows(block, block.count.size());
  const HeldOutSource dev = read_held_out(path, "/dev");
  for (UserTransitions block; dev(block);) want_rows(block, block.user.size());
  const Transitions whole = load_transitions(path);
  want_rows(whole.all, whole.all.count.size());
  want_rows(whole.dev, whole.dev.user.size());
  want_rows(whole.test, whole.test.user.size());
}

void read_vectors(const fs::path& path) {
  const ItemVectors vectors =
      read_item_vectors(path.string() + ":/items/embedding", "", "", {"a", "b", "c"});
  want(vectors.dimensions >= 1 &&
       vectors.values.size() == 3 * static_cast<size_t>(vectors.dimensions));
}

void read_previous(const fs::path& path) {
  const PreviousTree previous = load_previous_tree(path.parent_path(), {"c", "new"});
  want(previous.item.size() == 2);
}

}  // namespace
}  // namespace serendip

// The first byte chooses the reader; then each dataset takes a byte or more for what is wrong with
// it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace serendip;
  return fuzz_folder([&](const fs::path& folder) {
    FuzzedDataProvider input(data, size);
    const int reader = input.ConsumeIntegralInRange(0, 5);
    const fs::path path = folder / "file.h5";
    const auto write = [&](const fs::path& to, const std::vector<Field>& fields) {
      HostileFile file(to, input);
      for (const Field& field : fields) file.add(field);
    };
    if (reader == 5) {
      write(folder / "data.h5", dataset_fields());
      write(folder / "tree.h5", tree_fields());
      return read_previous(path);
    }
    write(path, reader == 2 ? tree_fields() : reader == 3 ? transition_fields() : dataset_fields());
    const std::function<void(const fs::path&)> readers[] = {read_dataset, read_users, read_tree,
                                                            read_rows, read_vectors};
    readers[reader](path);
  });
}
