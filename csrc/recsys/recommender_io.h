// The recommender's folder: config.json and model.safetensors (weights and the order of the items).
#pragma once

#include <filesystem>

#include "recsys/item_order.h"
#include "recsys/sequence_model.h"

namespace serendip {

constexpr const char* kSequenceModelType = "serendip_sequence";

// `model` must be on the CPU, in float32. The folder is made where missing.
void save_recommender(const std::filesystem::path& folder, const SequenceModel& model,
                      const ItemOrder& order);

// Throws Error naming the file for settings, tensor names, dtypes or shapes that do not hold, and
// when the items were sorted by another tree than `order`'s.
SequenceModel load_recommender(const std::filesystem::path& folder, const ItemOrder& order);

}  // namespace serendip
