#include "infer/server/mapped_table.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/hdf5_file.h"
#include "infer/pair_table.h"
#include "tests/base/temporary_folder.h"

namespace serendip::server {
namespace {

PairTable small_table(ContextList contexts) {
  PairTable table;
  table.contexts = std::move(contexts);
  table.k = 3;
  for (int64_t row = 0; row < table.rows(); ++row)
    for (int64_t rank = 0; rank < table.k; ++rank) {
      const bool filled = rank < 2 || row % 2 == 0;
      table.label.push_back(filled ? static_cast<int32_t>((row + rank) % table.cluster_count())
                                   : -1);
      table.log_prob.push_back(filled ? -0.5f * static_cast<float>(row + rank) : -INFINITY);
      table.probability_low.push_back(0.25f);
      table.probability_high.push_back(0.75f);
    }
  table.hashes = {{"model", "abc"}};
  return table;
}

void expect_the_same(const MappedTable& mapped, const PairTable& table) {
  EXPECT_EQ(mapped.contexts(), table.contexts);
  EXPECT_EQ(mapped.labels(), table.k);
  EXPECT_EQ(mapped.hashes(), table.hashes);
  for (int64_t row = 0; row < table.rows(); ++row) {
    EXPECT_EQ(mapped.find(table.contexts[row]), row);
    for (int64_t rank = 0; rank < table.k; ++rank) {
      const auto at = static_cast<size_t>(row * table.k + rank);
      const std::optional<TableEntry> entry = mapped.entry(row, rank);
      ASSERT_EQ(entry.has_value(), table.label[at] >= 0);
      if (!entry) continue;
      EXPECT_EQ(entry->label, table.label[at]);
      EXPECT_EQ(entry->log_prob, table.log_prob[at]);
      EXPECT_EQ(entry->probability_low, table.probability_low[at]);
      EXPECT_EQ(entry->probability_high, table.probability_high[at]);
    }
    EXPECT_FALSE(mapped.entry(row, table.k));
  }
}

TEST(MappedTable, HoldsWhatTheFileHolds) {
  const TemporaryFolder folder;
  for (const ContextList& contexts :
       {ContextList::all(5, 2), ContextList::listed(5, 3, {4, 1, 0, 2, 2, 3}),
        ContextList::listed(70'000, 1, {1, 5, 69'999})}) {  // wide labels
    const PairTable table = small_table(contexts);
    save_pair_table(table, folder / "table.h5");
    expect_the_same(MappedTable(folder / "table.h5"), table);
  }
}

TEST(MappedTable, OutlivesTheFilesReplacement) {
  const TemporaryFolder folder;
  const PairTable table = small_table(ContextList::all(5, 2));
  save_pair_table(table, folder / "table.h5");
  const MappedTable mapped(folder / "table.h5");
  save_pair_table(small_table(ContextList::all(2, 2)), folder / "table.h5");
  expect_the_same(mapped, table);
}

TEST(MappedTable, RefusesWhatItCannotMapAndWhatIsWrong) {
  const TemporaryFolder folder;
  const auto error = [&] { return error_of([&] { MappedTable(folder / "table.h5"); }); };
  EXPECT_NE(error().find("table.h5: cannot open"), std::string::npos);
  PairTable table = small_table(ContextList::all(5, 2));
  table.label[7] = 5;
  save_pair_table(table, folder / "table.h5");
  EXPECT_NE(error().find("/label: expected values below 5, got 5"), std::string::npos) << error();
  write_hdf5(folder / "table.h5", [](Hdf5File& file) {
    file.create_growable<uint16_t>("/label", {1});
    file.append<uint16_t>("/label", std::vector<uint16_t>{0});
  });
  EXPECT_NE(error().find("/label: expected u16 values in one piece, got chunks"), std::string::npos)
      << error();
}

}  // namespace
}  // namespace serendip::server
