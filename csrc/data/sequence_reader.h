// Users' items as lines of text, "user item item …", as sequence models' data sets often are.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/table_reader.h"

namespace serendip {

// A row for every item of every line: user_id, item_id, and as timestamp the item's place in the
// line, from 0. Words are apart by spaces or tabs; blank lines are skipped; a line without an item
// gets a problem. Throws Error for a file that cannot be read and for other columns.
std::unique_ptr<TableReader> open_sequences(const std::filesystem::path& path,
                                            const std::vector<std::string>& columns);

}  // namespace serendip
