// MovieLens small (100,836 ratings) as a Dataset in memory.
#pragma once

#include <optional>

#include "data/dataset.h"

namespace serendip {

// Nothing when the archive is not in the data folder (SERENDIP_DATA, or ../shared/data beside the
// sources) or cannot be unpacked. Items are the rated movies, text their genres and tags. The
// embedding [N, 32] sums a hashed vector of every user who rated the movie and of its text's words.
std::optional<Dataset> load_movielens();

}  // namespace serendip
